import { useEffect, useId, useState } from 'preact/hooks';
import type { MarketType } from '../../src/client/index.js';
import { Button, Check, Input, plain, Select } from '../parts/index.js';
import { vramChoices } from './figures.js';
import { activeFilters, offerSorts, withFilter, withoutNarrowing, type Filters } from './filters.js';
import { useSettled } from './when.js';

/** Versions that images are built for; the broker knows all others, too. */
const cudaVersions = ['11.8', '12.1', '12.4', '12.6', '12.8', '13.0'];
const counts = ['1', '2', '4', '8'];
const sortOptions = [
  { value: 'price', label: 'price' },
  { value: 'free', label: 'most free' },
  { value: 'reliability', label: 'most reliable' },
];
const typedMs = 300;

interface FilterBarProps {
  types: readonly MarketType[];
  regions: readonly string[];
  filters: Filters;
  unit: string;
  onChange(filters: Filters): void;
}

/** What is looked for. Everything stands in the address: a view can be sent to somebody. */
export function FilterBar({ types, regions, filters, unit, onChange }: FilterBarProps) {
  const set = <Name extends keyof Filters>(name: Name, value: Filters[Name] | undefined) =>
    onChange(withFilter(filters, name, value));
  const number = (text: string) => (text === '' ? undefined : Number(text));
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <form role="search" aria-label="Filters of offers" onSubmit={(event) => event.preventDefault()}>
      <Button
        size="s"
        class="filters-fold only-narrow"
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        {isOpen ? 'Hide filters' : 'Filter and sort'}
      </Button>
      <div class={`filters${isOpen ? ' is-open' : ''}`} id={id}>
        <Select
          label="GPU"
          value={filters.gpu ?? ''}
          options={withValue(
            types.map(({ gpu_type: value, name }) => ({ value, label: plain(name, 32) })),
            filters.gpu,
            'any',
          )}
          onChange={(value) => set('gpu', value === '' ? undefined : value)}
        />
        <Select
          label="GPUs in one job"
          value={String(filters.count ?? 1)}
          options={withValue(
            counts.map((value) => ({ value, label: value })),
            filters.count,
          )}
          onChange={(value) => set('count', value === '1' ? undefined : Number(value))}
        />
        <Select
          label="Memory, at least"
          value={String(filters.minVramGb ?? '')}
          options={withValue(
            vramChoices(types).map((gb) => ({ value: String(gb), label: `${gb} GB` })),
            filters.minVramGb,
            'any',
          )}
          onChange={(value) => set('minVramGb', number(value))}
        />
        <Typed
          label="Price, at most"
          unit={`${unit}/h`}
          inputMode="decimal"
          value={filters.maxPrice === undefined ? '' : String(filters.maxPrice)}
          onSettled={(text) => set('maxPrice', priceOf(text))}
        />
        <Select
          label="CUDA, at least"
          value={filters.minCuda ?? ''}
          options={withValue(
            cudaVersions.map((value) => ({ value, label: value })),
            filters.minCuda,
            'any',
          )}
          onChange={(value) => set('minCuda', value === '' ? undefined : value)}
        />
        <Select
          label="Region"
          value={filters.region ?? ''}
          options={withValue(
            regions.map((value) => ({ value, label: plain(value, 32) })),
            filters.region,
            'any',
          )}
          onChange={(value) => set('region', value === '' ? undefined : value)}
        />
        <Select
          label="Sort by"
          class="only-narrow"
          value={filters.sort ?? 'price'}
          options={sortOptions}
          onChange={(value) =>
            set(
              'sort',
              offerSorts.find((sort) => sort === value && sort !== 'price'),
            )
          }
        />
        <Check label="Full ones, too" checked={filters.full === true} onChange={(on) => set('full', on || undefined)} />
      </div>
    </form>
  );
}

/** Choices with the one of the address among them, whatever it is. */
function withValue(options: { value: string; label: string }[], value: string | number | undefined, any?: string) {
  const text = value === undefined ? undefined : String(value);
  const isThere = text === undefined || options.some((option) => option.value === text);
  return [
    ...(any === undefined ? [] : [{ value: '', label: any }]),
    ...options,
    ...(isThere ? [] : [{ value: text, label: plain(text, 32) }]),
  ];
}

function priceOf(text: string): number | undefined {
  const value = Number(text.trim().replace(',', '.'));
  return text.trim() !== '' && value > 0 && value <= 1e9 ? value : undefined;
}

interface TypedProps {
  label: string;
  unit: string;
  inputMode: 'decimal';
  value: string;
  onSettled(text: string): void;
}

/** A field that is asked for once somebody has stopped typing. */
function Typed({ value, onSettled, ...rest }: TypedProps) {
  const [text, setText] = useState(value);
  const settled = useSettled(text, typedMs);
  useEffect(() => {
    if (settled !== value) onSettled(settled);
  }, [settled]);
  // The address was changed elsewhere: by a chip, or by going back.
  useEffect(() => {
    if (priceOf(text) !== priceOf(value)) setText(value);
  }, [value]);
  return <Input {...rest} value={text} onInput={setText} />;
}

/** What narrows the list, each with a button that takes it away. */
export function ActiveFilters({ types, filters, unit, onChange }: Omit<FilterBarProps, 'regions'>) {
  const name = types.find((type) => type.gpu_type === filters.gpu)?.name;
  const active = activeFilters(filters, unit, name);
  if (active.length === 0) return null;
  return (
    <ul class="chips" aria-label="Active filters">
      {active.map((filter) => (
        <li key={filter.name}>
          <Button size="s" class="chip" onClick={() => onChange(withFilter(filters, filter.name, undefined))}>
            <span class="hidden-text">Remove the filter: </span>
            {plain(filter.label, 48)} <span aria-hidden="true">✕</span>
          </Button>
        </li>
      ))}
      {active.length > 1 && (
        <li>
          <Button size="s" kind="bare" onClick={() => onChange(withoutNarrowing(filters))}>
            Remove all
          </Button>
        </li>
      )}
    </ul>
  );
}
