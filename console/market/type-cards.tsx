import { useEffect, useState } from 'preact/hooks';
import type { MarketHistory, MarketType } from '../../src/client/index.js';
import { broker, site, useResource } from '../live/index.js';
import { Button, LinkButton, plain, Skeleton, Sparkline, Untrusted } from '../parts/index.js';
import { inOrder, typeCardOf } from './figures.js';
import { daysText, smallLineOf } from './small-line.js';
import { rentAddress } from './offer-rows.js';
import { priceText } from './words.js';
import { useIdle } from './when.js';

const firstShown = 8;
const historyEveryMs = 600_000;

interface TypeCardsProps {
  types: readonly MarketType[];
  /** The type whose history is shown. */
  chosen: string | undefined;
  onChoose(gpuType: string): void;
}

/** One card for each GPU type; with many types, the first of them. */
export function TypeCards({ types, chosen, onChoose }: TypeCardsProps) {
  const [isAll, setAll] = useState(false);
  const order = useOrder(types);
  const shown = isAll ? order : order.slice(0, firstShown);
  return (
    <section aria-label="GPU types" class="stack">
      <ul class="type-cards">
        {shown.map((type) => (
          <TypeCard
            key={type.gpu_type}
            type={type}
            isChosen={type.gpu_type === chosen}
            onChoose={() => onChoose(type.gpu_type)}
          />
        ))}
      </ul>
      {order.length > firstShown && (
        <div class="row">
          <Button size="s" aria-expanded={isAll} onClick={() => setAll(!isAll)}>
            {isAll ? `Only the first ${firstShown}` : `All ${order.length} GPU types`}
          </Button>
        </div>
      )}
    </section>
  );
}

/** The order of the first reading: cards do not change places under the pointer. New types come last. */
function useOrder(types: readonly MarketType[]): MarketType[] {
  const [keys, setKeys] = useState<readonly string[]>(() => inOrder(types).map(({ gpu_type }) => gpu_type));
  const known = new Set(keys);
  const added = inOrder(types.filter(({ gpu_type }) => !known.has(gpu_type))).map(({ gpu_type }) => gpu_type);
  useEffect(() => {
    if (added.length > 0) setKeys([...keys, ...added]);
  }, [added.join('\n')]);
  const byKey = new Map(types.map((type) => [type.gpu_type, type]));
  return [...keys, ...added].flatMap((key) => byKey.get(key) ?? []);
}

function TypeCard({ type, isChosen, onChoose }: { type: MarketType; isChosen: boolean; onChoose(): void }) {
  const { gpuType, name, vram, free, total, freeShare, from, together } = typeCardOf(type);
  const unit = plain(site.value?.token.symbol ?? '', 12);
  return (
    <li class={`type-card${isChosen ? ' is-chosen' : ''}${free === 0 ? ' is-full' : ''}`}>
      <h2 class="type-card-name">
        <button type="button" aria-pressed={isChosen} title="Show its history below" onClick={onChoose}>
          <Untrusted text={name} max={32} />
        </button>
        <span class="type-card-vram">{vram}</span>
      </h2>
      <p class="type-card-price">
        {from === undefined ? (
          <span class="soft">no price yet</span>
        ) : (
          <>
            <span class="soft small">from</span> <span class="type-card-figure num">{from}</span>{' '}
            <span class="soft small">{unit}/h</span>
          </>
        )}
      </p>
      <SmallLine gpuType={gpuType} />
      <p class="type-card-free">
        <span class={`dots tone-${free === 0 ? 'off' : 'good'}`} aria-hidden="true">
          <span style={{ width: `${freeShare * 100}%` }} />
        </span>
        <span>
          <b class="num">{free}</b> of {total} free
        </span>
        <span class="soft small">{together}</span>
      </p>
      <LinkButton kind={free === 0 ? 'quiet' : 'main'} to={rentAddress({ gpu: gpuType })}>
        Rent<span class="hidden-text"> {plain(name)}</span>
      </LinkButton>
    </li>
  );
}

/** Its price over the last 30 days; over a day where there is no more. It is read once the page stands still. */
function SmallLine({ gpuType }: { gpuType: string }) {
  const isIdle = useIdle();
  const long = useHistory(isIdle ? gpuType : undefined, '90d');
  const line = long === undefined ? undefined : smallLineOf(long);
  const isTooShort = long !== undefined && (line === undefined || line.values.length < 8);
  const short = useHistory(isTooShort ? gpuType : undefined, '24h');
  const shown = (short === undefined ? undefined : smallLineOf(short)) ?? line;
  if (shown === undefined) return <p class="type-card-line soft small">{long === undefined ? '' : 'no history yet'}</p>;
  const last = shown.values.findLast((value) => value !== null);
  const label = `Median price for ${daysText(shown.days)}, ${priceText(last)} now`;
  return (
    <p class="type-card-line">
      <Sparkline values={shown.values} min={shown.min} max={shown.max} width={160} height={34} label={label} />
      <span class="soft small num">{daysText(shown.days)}</span>
    </p>
  );
}

function useHistory(gpuType: string | undefined, range: '24h' | '90d'): MarketHistory | undefined {
  return useResource(
    gpuType === undefined ? undefined : `history:${range}:${gpuType}`,
    () => broker().market.history({ gpuType: gpuType!, range }),
    { everyMs: historyEveryMs },
  ).data;
}

/** As large as the cards that come. */
export function TypeCardsSkeleton() {
  return (
    <div class="type-cards one-row" aria-hidden="true">
      {[1, 2, 3, 4].map((each) => (
        <div key={each} class="type-card">
          <Skeleton lines={5} height={1.6} />
        </div>
      ))}
    </div>
  );
}
