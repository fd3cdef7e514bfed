import { useId } from 'preact/hooks';
import type { MarketType, Site } from '../../src/client/index.js';
import type { Template } from '../../src/client/types.generated.js';
import { Card, Input, Untrusted } from '../parts/index.js';
import { ownImage } from './order-form.js';
import type { SectionProps } from './section-props.js';
import { templateCards } from './templates.js';

interface ImageSectionProps extends SectionProps {
  site: Site;
  templates: readonly Template[];
  types: readonly MarketType[];
}

/** What runs: something that the site offers by a name, or an image of one's own. */
export function ImageSection({ form, problems, set, site, templates, types }: ImageSectionProps) {
  const name = useId();
  return (
    <Card title="What runs">
      <fieldset class="templates images" data-place="template">
        <legend class="hidden-text">Template or image</legend>
        {templateCards(site, templates, form, types).map(({ id, name: title, image, description, facts, misfit }) => (
          <label key={id} class={`template${misfit === undefined ? '' : ' is-misfit'}`}>
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
              {description !== '' && (
                <span class="small soft">
                  <Untrusted text={description} max={200} />
                </span>
              )}
              {image !== '' && (
                <span class="small soft mono">
                  <Untrusted text={shortImage(image)} max={60} />
                </span>
              )}
              {facts !== '' && (
                <span class="small">
                  <Untrusted text={facts} max={120} />
                </span>
              )}
              {misfit !== undefined && (
                <span class="small tone-warn">
                  <span aria-hidden="true">▲ </span>
                  {misfit}
                </span>
              )}
            </span>
          </label>
        ))}
      </fieldset>
      {problems.template !== undefined && <p class="field-error">{problems.template}</p>}
      {form.template === ownImage && <OwnImage {...{ form, problems, set, site }} />}
    </Card>
  );
}

function OwnImage({ form, problems, set, site }: SectionProps & { site: Site }) {
  const { image_allowlist: allowed } = site.jobs;
  return (
    <div class="stack tight own-image">
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
      <details class="registry-login">
        <summary>It is private: log in to its registry</summary>
        <div class="stack tight">
          <p class="field-hint">
            Take a token that may only pull: the owner of the machine can read it, and the image. It goes along with
            this order and is not kept in this browser.
          </p>
          <div class="rent-more">
            <div data-place="registryUser">
              <Input
                label="Name at the registry"
                value={form.registryUser}
                error={problems.registryUser}
                maxLength={255}
                onInput={(registryUser) => set({ registryUser })}
              />
            </div>
            <div data-place="registryPassword">
              <Input
                label="Password or token"
                class="mono-input is-secret"
                value={form.registryPassword}
                error={problems.registryPassword}
                maxLength={8_192}
                onInput={(registryPassword) => set({ registryPassword })}
              />
            </div>
          </div>
        </div>
      </details>
    </div>
  );
}

/** The registry that everybody means is left out. */
const shortImage = (image: string) => image.replace(/^docker\.io\/(?:library\/)?/, '');
