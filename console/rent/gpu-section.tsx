import type { MarketType } from '../../src/client/index.js';
import { Card, Input, plain, Select } from '../parts/index.js';
import { inOrder, vramText } from '../market/figures.js';
import { priceText } from '../market/words.js';
import type { SectionProps } from './rent-form.js';

/** What is rented: GPUs, and what belongs to them. */
export function GpuSection({ form, problems, set, types }: SectionProps & { types: readonly MarketType[] }) {
  return (
    <Card title="GPU">
      <div class="rent-gpu">
        <div data-place="gpu">
          <Select
            label="GPU type"
            value={form.gpu}
            options={typeOptions(types, form.gpu)}
            error={problems.gpu}
            onChange={(gpu) => set({ gpu })}
          />
        </div>
        <div data-place="count">
          <Input
            label="How many"
            type="text"
            inputMode="numeric"
            value={form.count}
            error={problems.count}
            onInput={(count) => set({ count })}
          />
        </div>
      </div>
      <div class="rent-sizes">
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
    </Card>
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
