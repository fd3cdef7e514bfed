import { useState } from 'preact/hooks';
import type { ProviderUsage } from '../../src/client/types.generated.js';
import { broker, login, useResource } from '../live/index.js';
import { Button, Card, Empty, Loaded, Segmented, Skeleton, Sparkline, Table } from '../parts/index.js';
import { timeInWords } from '../parts/times.js';
import { drawn, lastOf, type Column } from './usage-columns.js';

type Range = '24h' | '7d' | '30d';

const ranges = [
  { value: '24h', label: '24 h' },
  { value: '7d', label: '7 d' },
  { value: '30d', label: '30 d' },
] as const;

const columns: readonly { column: Column; name: string; isPercent: boolean }[] = [
  { column: 'gpu', name: 'GPUs', isPercent: true },
  { column: 'cpu', name: 'Processors', isPercent: true },
  { column: 'memory', name: 'Memory', isPercent: true },
  { column: 'rented_gpus', name: 'Rented GPUs', isPercent: false },
];

const mostPoints = 144;
const tableRows = 24;

/** How busy a machine has been, as small lines that can be compared, and as a table behind a button. */
export function UsageCard({ id, gpus }: { id: string; gpus: number }) {
  const [range, setRange] = useState<Range>('24h');
  const [isTable, setTable] = useState(false);
  const usage = useResource(
    `machines:${login.value?.wallet ?? ''}:usage:${id}:${range}`,
    async () => (await broker().providers.usage(id, range)) as unknown as ProviderUsage,
    { everyMs: 60_000 },
  );
  return (
    <Card
      title="Use"
      aside={
        <>
          <Button kind="bare" size="s" onClick={() => setTable(!isTable)}>
            {isTable ? 'Show as lines' : 'Show as a table'}
          </Button>
          <Segmented label="Range" value={range} options={ranges} onChange={(value) => setRange(value as Range)} />
        </>
      }
    >
      <Loaded of={usage} skeleton={<Skeleton lines={2} height={6} />}>
        {(read) => {
          if (columns.every(({ column }) => lastOf(read[column]) === null))
            return (
              <Empty title="Nothing is known of this time">
                A machine that serves reports its use with every heartbeat.
              </Empty>
            );
          return isTable ? <UsageTable usage={read} /> : <Lines usage={read} gpus={gpus} range={range} />;
        }}
      </Loaded>
    </Card>
  );
}

function Lines({ usage, gpus, range }: { usage: ProviderUsage; gpus: number; range: Range }) {
  return (
    <>
      <div class="usage-lines">
        {columns.map(({ column, name, isPercent }) => {
          const { values } = drawn(usage, column, mostPoints);
          const last = lastOf(usage[column]);
          const shown = last === null ? '–' : isPercent ? `${Math.round(last)} %` : `${last} of ${gpus}`;
          return (
            <figure key={column} class="usage-line">
              <figcaption class="row spread">
                <span class="soft">{name}</span>
                <span class="num">{shown}</span>
              </figcaption>
              <Sparkline
                values={values}
                min={0}
                max={isPercent ? 100 : Math.max(1, gpus)}
                width={320}
                height={64}
                label={`${name} for ${range}, ${shown} now; the table has the figures`}
              />
            </figure>
          );
        })}
      </div>
      <p class="row spread small soft usage-times">
        <span>{ranges.find(({ value }) => value === range)?.label} ago</span>
        <span>now</span>
      </p>
    </>
  );
}

interface TimeStep {
  at: number;
  ms: number;
}

function UsageTable({ usage }: { usage: ProviderUsage }) {
  const read = columns.map(({ column, name, isPercent }) => ({ name, isPercent, ...drawn(usage, column, tableRows) }));
  const first = read[0]!;
  const rows = first.values.map((_, at) => ({ at, ms: first.fromMs + at * first.stepS * 1000 }));
  return (
    <Table
      caption="Use by time: means of each step"
      rows={rows.toReversed()}
      rowKey={({ ms }) => String(ms)}
      columns={[
        {
          key: 'from',
          head: 'From',
          card: 'title',
          cell: ({ ms }) => <span class="num">{timeInWords(new Date(ms), Date.now())}</span>,
        },
        ...read.map(({ name, isPercent, values }) => ({
          key: name,
          head: name,
          align: 'end' as const,
          cell: ({ at }: TimeStep) => {
            const value = values[at] ?? null;
            return (
              <span class="num">{value === null ? '–' : isPercent ? `${Math.round(value)} %` : value.toFixed(1)}</span>
            );
          },
        })),
      ]}
    />
  );
}
