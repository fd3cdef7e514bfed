import type { MarketType } from '../../src/client/index.js';
import { PageHead } from '../app/page.js';
import { setQuery, type PageProps } from '../app/router.js';
import { broker, site, useResource } from '../live/index.js';
import { Age, Empty, LinkButton, Loaded, Skeleton } from '../parts/index.js';
import { headlineOf, inOrder, typeMeant } from './figures.js';
import { addressChange, filtersOf, type Filters } from './filters.js';
import { Headline } from './headline.js';
import { HistorySection } from './history-section.js';
import { OffersSection } from './offers-section.js';
import { useOffers } from './use-offers.js';
import { TypeCards, TypeCardsSkeleton } from './type-cards.js';

const everyMs = 10_000;

/** What is free now, what it costs, and what it cost before. Public: nobody needs a wallet to look. */
export default function MarketPage({ query }: PageProps) {
  const market = useResource('market', () => broker().market.now(), { everyMs });
  const types = market.data?.gpu_types ?? [];
  const filters = namedByKey(filtersOf(query), types);
  const change = (next: Filters) => setQuery(addressChange(next));
  // Asked for at once, and shown once it is known how much stands above it: nothing moves while somebody reads.
  const offers = useOffers(filters);
  const chosen = (
    typeMeant(types, query.get('chart') ?? undefined) ??
    typeMeant(types, filters.gpu) ??
    inOrder(types)[0]
  )?.gpu_type;
  return (
    <div class="stack loose market">
      <PageHead title="Market" lead={`GPUs on machines of their owners, rented by the second, paid in ${symbol()}.`}>
        <LiveMark of={market} />
      </PageHead>
      <Loaded of={market} skeleton={<MarketSkeleton />}>
        {(data) =>
          data.gpu_types.length === 0 ? (
            <NobodyYet />
          ) : (
            <div class="stack loose">
              <Headline {...headlineOf(data)} />
              <TypeCards types={data.gpu_types} chosen={chosen} onChoose={(gpuType) => setQuery({ chart: gpuType })} />
            </div>
          )
        }
      </Loaded>
      {types.length > 0 && (
        <>
          <HistorySection
            types={types}
            gpuType={chosen}
            range={query.get('range')}
            onType={(gpuType) => setQuery({ chart: gpuType })}
            onRange={(range) => setQuery({ range: range === '24h' ? undefined : range })}
          />
          <OffersSection offers={offers} types={types} filters={filters} onChange={change} />
        </>
      )}
    </div>
  );
}

/** Links may name a GPU in other words: the choices know it by its key. */
function namedByKey(filters: Filters, types: readonly MarketType[]): Filters {
  const meant = typeMeant(types, filters.gpu);
  return meant === undefined ? filters : { ...filters, gpu: meant.gpu_type };
}

const symbol = () => site.value?.token.symbol ?? 'tokens';

/** Says that the figures are those of now, or how old they are. */
function LiveMark({ of }: { of: { atMs: number | undefined; error?: unknown } }) {
  const isLive = of.error === undefined && of.atMs !== undefined;
  return (
    <span class={`live-mark${isLive ? ' is-live' : ''}`}>
      <span class="live-dot" aria-hidden="true" />
      <span>{isLive ? 'live' : 'not live'}</span>
      <Age of={of} />
    </span>
  );
}

function NobodyYet() {
  return (
    <Empty
      title="Nobody rents out a GPU here yet"
      action={
        <LinkButton kind="main" to="/provider">
          Rent out a machine
        </LinkButton>
      }
    >
      The first machine that joins stands here a few seconds later. You need a machine with a GPU, a wallet, and two
      commands.
    </Empty>
  );
}

function MarketSkeleton() {
  return (
    <div class="stack loose">
      <div class="headline-skeleton">
        <Skeleton lines={1} height={3.5} />
      </div>
      <TypeCardsSkeleton />
    </div>
  );
}
