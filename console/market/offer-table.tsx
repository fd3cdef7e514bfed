import { useMemo, useRef } from 'preact/hooks';
import type { MarketType, Offer } from '../../src/client/index.js';
import { LinkButton, plain, Table, Untrusted, type Column } from '../parts/index.js';
import { shortTypeName, vramText } from './figures.js';
import { offerSorts, withFilter, type Filters, type OfferSort } from './filters.js';
import { rentAddress, type OfferRow } from './offer-rows.js';
import { reliabilityText } from '../../src/words/reliability.js';
import { counted, priceText, unknown } from './words.js';

interface OfferTableProps {
  rows: readonly OfferRow[];
  types: readonly MarketType[];
  filters: Filters;
  unit: string;
  onChange(filters: Filters): void;
}

/** Names under which the table says how it is sorted: cheapest first, most free first, most reliable first. */
const sortedAs: Record<OfferSort, string> = { price: 'price', free: '-free', reliability: '-reliability' };

export function OfferTable({ rows, types, filters, unit, onChange }: OfferTableProps) {
  const { count, sort = 'price' } = filters;
  const names = types.map((type) => `${type.gpu_type}\t${type.name}`).join('\n');
  const columns = useMemo(() => columnsFor({ types, count, unit }), [names, count, unit]);
  const change = useRef(onChange);
  change.current = onChange;
  // The same rows are the same table: it is not gone through again whenever a reading begins or ends.
  return useMemo(() => {
    const sortBy = (by: string) => {
      const asked = offerSorts.find((each) => by.replace('-', '') === each);
      if (asked !== undefined) change.current(withFilter(filters, 'sort', asked === 'price' ? undefined : asked));
    };
    return (
      <Table
        caption={`Offers, ${firstWords[sort]} first`}
        columns={columns}
        rows={rows}
        rowKey={({ key }) => key}
        rowClass={({ isGone, offer }) => (isGone || !offer.can_start ? 'is-out' : undefined)}
        sorted={sortedAs[sort]}
        onSort={sortBy}
      />
    );
  }, [rows, columns, JSON.stringify(filters)]);
}

const firstWords: Record<OfferSort, string> = {
  price: 'the cheapest',
  free: 'those with most free',
  reliability: 'the most reliable',
};

interface Asked {
  types: readonly MarketType[];
  count: number | undefined;
  unit: string;
}

function columnsFor({ types, count = 1, unit }: Asked): Column<OfferRow>[] {
  const names = new Map(types.map((type) => [type.gpu_type, shortTypeName(type.name, type.vram_gb)]));
  const nameOf = ({ gpu_type: type, gpu_model: model }: Offer) => names.get(type ?? '') ?? model ?? type ?? 'no GPU';
  return [
    {
      ...{ key: 'gpu', head: 'GPU', card: 'title' },
      cell: ({ offer }) => (
        <span class="offer-gpu">
          <Untrusted text={nameOf(offer)} max={32} />
          {offer.vram_gb !== null && <span class="soft small"> {vramText([offer.vram_gb])}</span>}
        </span>
      ),
    },
    { key: 'free', head: 'Free', sort: 'free', cell: ({ offer, isGone }) => <Free offer={offer} isGone={isGone} /> },
    {
      ...{ key: 'price', head: `${unit}/h`, align: 'end', sort: 'price' },
      cell: (row) => <PriceCell row={row} count={count} />,
    },
    { key: 'cuda', head: 'CUDA', align: 'end', cell: ({ offer }) => <Figure text={offer.cuda} /> },
    { key: 'region', head: 'Region', cell: ({ offer }) => <Untrusted text={offer.region ?? unknown} max={20} /> },
    {
      ...{ key: 'reliability', head: 'Reliable', align: 'end', sort: 'reliability' },
      cell: ({ offer }) => <span class="num">{reliabilityText(offer.reliability)}</span>,
    },
    { key: 'rest', head: 'Cores, memory, disk', cell: ({ offer }) => <Rest offer={offer} /> },
    { key: 'provider', head: 'Provider', cell: ({ offer }) => <Untrusted text={offer.provider_id} max={24} /> },
    {
      key: 'rent',
      head: '',
      align: 'end',
      card: 'actions',
      cell: (row) => <Rent row={row} name={nameOf} count={count} />,
    },
  ];
}

function Figure({ text }: { text: string | null }) {
  return text === null ? <span class="soft">{unknown}</span> : <span class="num">{plain(text, 12)}</span>;
}

const mostPips = 8;

function Free({ offer: { free_gpus: free, total_gpus: total }, isGone }: { offer: Offer; isGone: boolean }) {
  return (
    <span class="free">
      <span class="num">{isGone ? 0 : free}</span>
      <span class="soft"> of {total}</span>
      {total <= mostPips && (
        <span class="pips" aria-hidden="true">
          {Array.from({ length: total }, (_, at) => (
            <i key={at} class={!isGone && at < free ? 'is-free' : ''} />
          ))}
        </span>
      )}
    </span>
  );
}

/** Of one GPU; below it what the whole job costs, where that is not as many times as much. */
function PriceCell({ row: { offer, change }, count }: { row: OfferRow; count: number }) {
  const { price_per_gpu_hour: ofOne, price_per_hour: ofJob } = offer;
  const isMore = Math.abs(ofJob - ofOne * count) > 1e-9;
  return (
    <span class="offer-price">
      {change !== undefined && (
        <span class={`change tone-${change === 'cheaper' ? 'good' : 'warn'}`}>
          <span aria-hidden="true">{change === 'cheaper' ? '↓' : '↑'}</span>
          <span class="hidden-text">{change} than before</span>
        </span>
      )}
      <span class="num">{priceText(ofOne)}</span>
      {(isMore || count > 1) && (
        <span class="offer-price-job soft small">
          {priceText(ofJob)} {count > 1 ? `for ${count}` : 'with the rest'}
        </span>
      )}
    </span>
  );
}

const diskText = (gb: number) => (gb >= 1000 ? `${Math.floor(gb / 100) / 10} TB` : `${gb} GB`);

function Rest({ offer }: { offer: Offer }) {
  const { free_cpu_cores: cores, free_memory_gb: memory, free_storage_gb: disk } = offer;
  return (
    <span class="offer-rest soft small">
      {counted(cores, 'core')} · {Math.floor(memory)} GB · {diskText(disk)}
    </span>
  );
}

function Rent({ row: { offer, isGone }, name, count }: { row: OfferRow; name(offer: Offer): string; count: number }) {
  if (isGone) return <span class="soft small">no longer offered</span>;
  if (!offer.can_start)
    return (
      <span class="soft small">
        <Untrusted text={offer.why_not ?? 'full'} max={60} />
      </span>
    );
  return (
    <LinkButton size="s" to={rentAddress({ gpu: offer.gpu_type, provider: offer.provider_id, count })}>
      Rent
      <span class="hidden-text">
        {' '}
        {plain(name(offer), 32)} at {plain(offer.provider_id, 24)}
      </span>
    </LinkButton>
  );
}
