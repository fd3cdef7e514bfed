import { useId } from 'preact/hooks';
import type { Site } from '../../src/client/index.js';
import { Card, Input, Untrusted } from '../parts/index.js';
import { ownImage, templatesOf } from './order-form.js';
import type { SectionProps } from './section-props.js';

/** What runs: an image that the site offers, or one's own. */
export function ImageSection({ form, problems, set, site }: SectionProps & { site: Site }) {
  const name = useId();
  const { image_allowlist: allowed } = site.jobs;
  const choices = [
    ...templatesOf(site).map(({ id, name: title, image }) => ({ id, title, image })),
    { id: ownImage, title: 'Your own image', image: 'from any public registry' },
  ];
  return (
    <Card title="Image">
      <fieldset class="templates images" data-place="template">
        <legend class="hidden-text">Image</legend>
        {choices.map(({ id, title, image }) => (
          <label key={id} class="template">
            <input
              type="radio"
              name={name}
              value={id}
              checked={form.template === id}
              onChange={() => set({ template: id })}
            />
            <span class="template-words">
              <span class="template-title">
                <Untrusted text={title} max={40} />
              </span>
              <span class={`small soft${id === ownImage ? '' : ' mono'}`}>
                <Untrusted text={shortImage(image)} max={60} />
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      {form.template === ownImage && (
        <div data-place="image">
          <Input
            label="Name of the image"
            class="mono-input"
            placeholder="docker.io/library/ubuntu:24.04"
            value={form.image}
            error={problems.image}
            hint={
              allowed.length === 0
                ? 'Any image with a shell. SSH is put in by the broker: the image needs none.'
                : `This site runs only: ${allowed.slice(0, 6).join(', ')}${allowed.length > 6 ? ' …' : ''}`
            }
            onInput={(image) => set({ image })}
          />
        </div>
      )}
    </Card>
  );
}

/** The registry that everybody means is left out. */
const shortImage = (image: string) => image.replace(/^docker\.io\/(?:library\/)?/, '');
