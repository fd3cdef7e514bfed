import { useState } from 'preact/hooks';
import type { MarketType } from '../../src/client/index.js';
import { broker, site, useResource } from '../live/index.js';
import { Age, Button, Card, ErrorNote, plain, Skeleton } from '../parts/index.js';
import { ActiveFilters, FilterBar } from './filter-bar.js';
import type { Filters } from './filters.js';
import { NoMatch, UnknownGpu } from './no-match.js';
import { OfferTable } from './offer-table.js';
import type { OfferRow } from './offer-rows.js';
import type { ShownOffers } from './use-offers.js';
import { counted } from './words.js';

interface OffersSectionProps {
  offers: ShownOffers;
  types: readonly MarketType[];
  filters: Filters;
  onChange(filters: Filters): void;
}

/** Every machine that has something of what is looked for. */
export function OffersSection({ offers, types, filters, onChange }: OffersSectionProps) {
  const { list, rows, isOld, hasMore, hasRoom, showMore, showFresh } = offers;
  const [isFiltering, setFiltering] = useState(false);
  const regions = useRegions(isFiltering, rows?.rows ?? []);
  const unit = plain(site.value?.token.symbol ?? '', 12);
  const bar = { types, filters, unit, onChange };
  const isUnknown = list.error?.fields?.some(({ field }) => field === 'query.gpu') === true;
  const isFailed = list.error !== undefined && !isUnknown;
  const isEmpty = rows?.rows.length === 0 && !isOld;
  return (
    <Card
      title="Offers" // A long table is not drawn in grey for the moment that a reading takes: that alone would take as long.
      aside={isFailed ? <Age of={list} /> : isOld && <span class="soft small">reading …</span>}
      class="offers"
      flush
    >
      <div class="offers-filters" onFocusIn={() => setFiltering(true)} onPointerEnter={() => setFiltering(true)}>
        <FilterBar {...bar} regions={regions} />
        <ActiveFilters {...bar} />
      </div>
      {isFailed && (
        <div class="offers-note">
          <ErrorNote error={list.error!} nextAtMs={list.nextAtMs} onRetry={list.reload} />
        </div>
      )}
      {isUnknown && <UnknownGpu {...bar} />}
      {rows === undefined && !isFailed && !isUnknown && (
        <div class="offers-note">
          <Skeleton lines={8} height={2} />
        </div>
      )}
      {rows !== undefined && !isEmpty && !isUnknown && !(isFailed && isOld) && (
        <div class={`offers-list${isFailed ? ' is-old' : ''}`} aria-busy={isOld}>
          {rows.fresh > 0 && !isOld && (
            <p class="offers-fresh">
              <Button size="s" onClick={showFresh}>
                Show {counted(rows.fresh, 'new offer')}
              </Button>
            </p>
          )}
          <OfferTable rows={rows.rows} types={types} filters={filters} unit={unit} onChange={onChange} />
          <OffersFoot {...{ shown: rows.rows.length, hasMore, hasRoom, isBusy: list.loading, showMore }} />
        </div>
      )}
      {isEmpty && !isFailed && !isUnknown && <NoMatch {...bar} />}
      <p class="hidden-text" role="status">
        {rows === undefined || isOld ? '' : `${counted(rows.rows.length, 'offer')}${hasMore ? ', and more' : ''}`}
      </p>
    </Card>
  );
}

interface OffersFootProps {
  shown: number;
  hasMore: boolean;
  hasRoom: boolean;
  isBusy: boolean;
  showMore(): void;
}

function OffersFoot({ shown, hasMore, hasRoom, isBusy, showMore }: OffersFootProps) {
  return (
    <div class="row spread offers-foot small soft">
      <span>
        {counted(shown, 'offer')}
        {hasMore ? ', and more' : ''}
      </span>
      {hasMore &&
        (hasRoom ? (
          <Button size="s" busy={isBusy} onClick={showMore}>
            Show more
          </Button>
        ) : (
          <span>Filters find the others sooner than scrolling.</span>
        ))}
    </div>
  );
}

/** Where machines are, as their owners say: of the offers in sight, and of a hundred more once somebody wants to filter. */
function useRegions(isWanted: boolean, rows: readonly OfferRow[]): string[] {
  const all = useResource(isWanted ? 'regions' : undefined, () =>
    broker().offers.list({ all: true, limit: 100 }).page(),
  );
  const offers = [...rows.map(({ offer }) => offer), ...(all.data?.items ?? [])];
  return [...new Set(offers.flatMap(({ region }) => (region === null ? [] : [region])))].sort();
}
