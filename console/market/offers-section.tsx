import type { MarketType } from '../../src/client/index.js';
import { broker, site, useResource } from '../live/index.js';
import { Age, Button, Card, ErrorNote, plain, Skeleton } from '../parts/index.js';
import { ActiveFilters, FilterBar } from './filter-bar.js';
import type { Filters } from './filters.js';
import { NoMatch } from './no-match.js';
import { OfferTable } from './offer-table.js';
import { useOffers } from './use-offers.js';
import { counted } from './words.js';
import { useIdle } from './when.js';

interface OffersSectionProps {
  types: readonly MarketType[];
  filters: Filters;
  onChange(filters: Filters): void;
}

/** Every machine that has something of what is looked for. */
export function OffersSection({ types, filters, onChange }: OffersSectionProps) {
  const { list, rows, isOld, hasMore, hasRoom, showMore, showFresh } = useOffers(filters);
  const regions = useRegions();
  const unit = plain(site.value?.token.symbol ?? '', 12);
  const bar = { types, filters, unit, onChange };
  const isFailed = list.error !== undefined;
  const isEmpty = rows?.rows.length === 0 && !isOld;
  return (
    <Card title="Offers" aside={isFailed && <Age of={list} />} class="offers" flush>
      <div class="offers-filters">
        <FilterBar {...bar} regions={regions} />
        <ActiveFilters {...bar} />
      </div>
      {isFailed && (
        <div class="offers-note">
          <ErrorNote error={list.error!} nextAtMs={list.nextAtMs} onRetry={list.reload} />
        </div>
      )}
      {rows === undefined && !isFailed && (
        <div class="offers-note">
          <Skeleton lines={8} height={2} />
        </div>
      )}
      {rows !== undefined && !isEmpty && !(isFailed && isOld) && (
        <div class={`offers-list${isOld || isFailed ? ' is-old' : ''}`} aria-busy={isOld}>
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
      {isEmpty && !isFailed && <NoMatch {...bar} />}
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

/** Where machines are, as their owners say: of the first hundred offers, full ones among them. */
function useRegions(): string[] {
  const isIdle = useIdle();
  const all = useResource(isIdle ? 'regions' : undefined, () => broker().offers.list({ all: true, limit: 100 }).page());
  const named = (all.data?.items ?? []).flatMap(({ region }) => (region === null ? [] : [region]));
  return [...new Set(named)].sort();
}
