import { useState } from 'preact/hooks';
import type { MarketType } from '../../src/client/index.js';
import { broker, useResource } from '../live/index.js';
import { Button, Card, Loaded, plain, Segmented, Select, Skeleton, Untrusted } from '../parts/index.js';
import { historyRanges, rangeOf, rangeWords } from './ranges.js';
import { useIdle, useLater } from './when.js';

const everyMs = 60_000;

const loadView = async () => await import('./history-view.js');

interface HistorySectionProps {
  types: readonly MarketType[];
  gpuType: string | undefined;
  range: string | null;
  onType(gpuType: string): void;
  onRange(range: string): void;
}

/** What one GPU type cost, and how much of it was free. */
export function HistorySection({ types, gpuType, range: asked, onType, onRange }: HistorySectionProps) {
  const range = rangeOf(asked);
  const isIdle = useIdle();
  const [isTable, setTable] = useState(false);
  const key = isIdle && gpuType !== undefined ? `history:${range}:${gpuType}` : undefined;
  const history = useResource(key, () => broker().market.history({ gpuType: gpuType!, range }), { everyMs });
  const view = useLater(loadView, isIdle);
  const type = types.find((each) => each.gpu_type === gpuType);
  return (
    <Card
      class="history"
      title={
        <>
          Price and supply{' '}
          <span class="soft">
            <Untrusted text={type?.name ?? gpuType} max={32} />
          </span>
        </>
      }
      aside={
        <>
          {types.length > 1 && (
            <Select
              label="GPU type of the chart"
              class="label-hidden"
              value={gpuType ?? ''}
              options={types.map(({ gpu_type: value, name }) => ({ value, label: plain(name, 32) }))}
              onChange={onType}
            />
          )}
          <Segmented
            label="Range of the chart"
            value={range}
            options={historyRanges.map((value) => ({ value, label: rangeWords[value] }))}
            onChange={onRange}
          />
          <Button size="s" onClick={() => setTable(!isTable)}>
            {isTable ? 'Show as a chart' : 'Show as a table'}
          </Button>
        </>
      }
    >
      <div class="history-body">
        <Loaded of={history} skeleton={<Skeleton lines={1} height={20} />}>
          {(data) =>
            view === 'missing' ? (
              <p class="history-none soft">The chart could not be loaded. Load the page again.</p>
            ) : view === undefined ? (
              <Skeleton lines={1} height={20} />
            ) : (
              <view.HistoryView key={range} history={data} isTable={isTable} />
            )
          }
        </Loaded>
      </div>
    </Card>
  );
}
