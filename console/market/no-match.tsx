import { useEffect, useState } from 'preact/hooks';
import type { MarketType } from '../../src/client/index.js';
import { broker } from '../live/index.js';
import { Button, Empty, plain } from '../parts/index.js';
import { inOrder } from './figures.js';
import {
  activeFilters,
  loosenings,
  offerQueryOf,
  withFilter,
  withoutNarrowing,
  type Filters,
  type Loosening,
} from './filters.js';
import { priceText } from './words.js';

interface NoMatchProps {
  types: readonly MarketType[];
  filters: Filters;
  unit: string;
  onChange(filters: Filters): void;
}

/** Nothing fits: says which filter keeps offers out, with one click to take it away. */
export function NoMatch({ types, filters, unit, onChange }: NoMatchProps) {
  const name = types.find((type) => type.gpu_type === filters.gpu)?.name;
  const active = activeFilters(filters, unit, name);
  const found = useLoosenings(filters, unit, name);
  if (active.length === 0) {
    return (
      <Empty
        title="Everything is rented"
        action={
          filters.full === true ? undefined : (
            <Button onClick={() => onChange(withFilter(filters, 'full', true))}>Show the full ones</Button>
          )
        }
      >
        A machine stands here again as soon as a job ends. This list reads itself.
      </Empty>
    );
  }
  return (
    <Empty
      title="Nothing free fits all of these filters"
      action={
        <>
          {found?.map((each) => (
            <Button key={each.name} onClick={() => onChange(withFilter(filters, each.name, undefined))}>
              Without “{plain(each.label, 48)}”: from {priceText(each.from)}
            </Button>
          ))}
          <Button kind="bare" onClick={() => onChange(withoutNarrowing(filters))}>
            Remove all filters
          </Button>
        </>
      }
    >
      {found === undefined
        ? 'Looking which filter keeps offers out …'
        : found.length === 0
          ? 'No single filter keeps them out: take away several.'
          : found.length === 1
            ? 'One filter keeps offers out:'
            : 'Each of these alone would let offers in:'}
    </Empty>
  );
}

const mostNamed = 6;

/** The link names a GPU that nobody has ever had here. */
export function UnknownGpu({ types, filters, onChange }: NoMatchProps) {
  return (
    <Empty
      title={`No GPU here is called “${plain(filters.gpu ?? '', 40)}”`}
      action={
        <>
          {inOrder(types)
            .slice(0, mostNamed)
            .map(({ gpu_type: gpuType, name }) => (
              <Button key={gpuType} onClick={() => onChange(withFilter(filters, 'gpu', gpuType))}>
                {plain(name, 32)}
              </Button>
            ))}
          <Button kind="bare" onClick={() => onChange(withFilter(filters, 'gpu', undefined))}>
            Any GPU
          </Button>
        </>
      }
    >
      These are:
    </Empty>
  );
}

/** Undefined while the broker is asked. */
function useLoosenings(filters: Filters, unit: string, name: string | undefined): Loosening[] | undefined {
  const [found, setFound] = useState<{ key: string; loosenings: Loosening[] }>();
  const key = JSON.stringify(filters);
  useEffect(() => {
    let isOver = false;
    const cheapest = async (less: Filters) => {
      const offers = broker().offers.list({ ...offerQueryOf(withFilter(less, 'sort', undefined)), limit: 1 });
      const first = await offers.all(1).catch(() => []);
      return first[0]?.price_per_gpu_hour;
    };
    void loosenings(filters, activeFilters(filters, unit, name), cheapest).then((all) => {
      if (!isOver) setFound({ key, loosenings: all });
    });
    return () => {
      isOver = true;
    };
  }, [key]);
  return found?.key === key ? found.loosenings : undefined;
}
