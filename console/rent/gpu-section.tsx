import { useId } from 'preact/hooks';
import type { MarketType } from '../../src/client/index.js';
import { Button, Card, Input, plain, Select, Untrusted } from '../parts/index.js';
import { inOrder, typeCardOf, vramText } from '../market/figures.js';
import { priceText } from '../market/words.js';
import { numberOf } from './order-form.js';
import type { SectionProps } from './section-props.js';

interface GpuSectionProps extends SectionProps {
  types: readonly MarketType[];
}

const mostCards = 6;
const usualCounts = [1, 2, 4, 8];

/** What is rented: GPUs, and what belongs to them. */
export function GpuSection(props: GpuSectionProps) {
  const { form, problems, set, types } = props;
  return (
    <Card title="GPU">
      <div class="stack">
        <div data-place="gpu">
          {types.length > 0 && types.length <= mostCards ? <TypeChoice {...props} /> : <TypeSelect {...props} />}
        </div>
        <div class="rent-gpu">
          <Count {...props} />
          <div data-place="cpu">
            <Input
              {...{ label: 'Cores', inputMode: 'numeric', value: form.cpu, error: problems.cpu }}
              onInput={(cpu) => set({ cpu })}
            />
          </div>
          <div data-place="memory">
            <Input
              {...{ label: 'Memory', unit: 'GB', inputMode: 'decimal', value: form.memory, error: problems.memory }}
              onInput={(memory) => set({ memory })}
            />
          </div>
          <div data-place="disk">
            <Input
              {...{ label: 'Disk', unit: 'GB', inputMode: 'numeric', value: form.disk, error: problems.disk }}
              onInput={(disk) => set({ disk })}
            />
          </div>
        </div>
      </div>
    </Card>
  );
}

/** A few types: all in sight, with what they cost and how many are free. */
function TypeChoice({ form, problems, set, types }: GpuSectionProps) {
  const name = useId();
  const cards = inOrder(types).map(typeCardOf);
  const isOther = form.gpu !== '' && cards.every(({ gpuType }) => gpuType !== form.gpu);
  const choose = (gpu: string) => () => set({ gpu });
  const option = (value: string, title: string, first: string, second: string) => (
    <label key={value} class="template">
      <input type="radio" name={name} value={value} checked={form.gpu === value} onChange={choose(value)} />
      <span class="template-words">
        <span class="template-title">
          <Untrusted text={title} max={32} />
        </span>
        <span class="small soft">{first}</span>
        <span class="small soft">{second}</span>
      </span>
    </label>
  );
  return (
    <fieldset class="templates gpu-types">
      <legend class="hidden-text">GPU type</legend>
      {cards.map((card) =>
        option(
          card.gpuType,
          `${card.name}${card.vram === '' ? '' : `, ${card.vram}`}`,
          card.from === undefined ? 'no price yet' : `from ${card.from} an hour`,
          card.free === 0 ? `all ${card.total} rented` : `${card.free} of ${card.total} free`,
        ),
      )}
      {isOther && option(form.gpu, form.gpu, 'as the link says', '')}
      {option('', 'Any GPU', 'the cheapest', 'that fits')}
      {problems.gpu !== undefined && <p class="field-error">{problems.gpu}</p>}
    </fieldset>
  );
}

function TypeSelect({ form, problems, set, types }: GpuSectionProps) {
  return (
    <Select
      label="GPU type"
      value={form.gpu}
      options={typeOptions(types, form.gpu)}
      error={problems.gpu}
      onChange={(gpu) => set({ gpu })}
    />
  );
}

function Count({ form, problems, set, types }: GpuSectionProps) {
  const most = types.find(({ gpu_type }) => gpu_type === form.gpu)?.most_at_one_provider ?? usualCounts.at(-1)!;
  return (
    <div data-place="count" class="rent-count">
      <Input
        {...{ label: 'How many GPUs', inputMode: 'numeric', value: form.count, error: problems.count }}
        onInput={(count) => set({ count })}
      />
      <div class="row presets" role="group" aria-label="Usual numbers of GPUs">
        {usualCounts
          .filter((count) => count <= Math.max(1, most))
          .map((count) => (
            <Button
              key={count}
              size="s"
              aria-pressed={numberOf(form.count) === count}
              onClick={() => set({ count: String(count) })}
            >
              {count}
            </Button>
          ))}
      </div>
    </div>
  );
}

function typeOptions(types: readonly MarketType[], chosen: string) {
  const options = inOrder(types).map(({ gpu_type: value, name, vram_gb: vram, free, price }) => ({
    value,
    label: [
      plain(name, 32),
      vramText(vram),
      free === 0 ? 'all rented' : `${free} free`,
      price === null ? '' : `from ${priceText(price.min)}`,
    ]
      .filter((part) => part !== '')
      .join(' · '),
  }));
  const isThere = chosen === '' || options.some(({ value }) => value === chosen);
  return [
    { value: '', label: 'any GPU, the cheapest' },
    ...options,
    ...(isThere ? [] : [{ value: chosen, label: plain(chosen, 40) }]),
  ];
}
