import { useState } from 'preact/hooks';
import { isCode } from '../../src/client/errors.js';
import type { Job, JobUse } from '../../src/client/shapes.js';
import { exitCodeText } from '../../src/words/program-text.js';
import { broker, login, nowMs, site, useResource } from '../live/index.js';
import { Button, Card, CommandLine, Loaded, Skeleton, Sparkline, State, Table, Untrusted } from '../parts/index.js';
import { secondsClock } from './event-time.js';
import { nameForWl } from './job-name.js';
import { seriesOf, thinned, type Series } from './use-series.js';

const everyMs = 15_000;
const tableRows = 20;

/** What a job uses of its machine, and what its main program is doing; its own machine says so. */
export function UseCard({ job }: { job: Job }) {
  if (site.value?.features.includes('use')) return <AskedUse job={job} />;
  return (
    <Card title="Use">
      <NotSaid job={job} why="this site does not ask machines what jobs use" />
    </Card>
  );
}

function AskedUse({ job }: { job: Job }) {
  const [isTable, setTable] = useState(false);
  const { job_id: id } = job;
  const use = useResource(
    `jobs:${login.value?.wallet ?? ''}:${id}:use`,
    async (signal) => await broker().jobs.use(id, { signal }),
    { everyMs },
  );
  const isSilent = isCode(use.error, 'machine_not_asked') || isCode(use.error, 'machine_unreachable');
  const hasSeries = use.data !== undefined && seriesOf(use.data).length > 0;
  return (
    <Card
      title="Use"
      aside={
        hasSeries && (
          <Button kind="bare" size="s" onClick={() => setTable(!isTable)}>
            {isTable ? 'Show as lines' : 'Show as a table'}
          </Button>
        )
      }
    >
      {isSilent && use.data === undefined ? (
        <NotSaid job={job} why={use.error!.detail} />
      ) : (
        <Loaded of={use} skeleton={<Skeleton lines={2} height={5} />}>
          {(read) => <Read use={read} isTable={isTable} />}
        </Loaded>
      )}
    </Card>
  );
}

/** Nothing is wrong with the job: the same is asked from the person's own computer. */
function NotSaid({ job, why }: { job: Job; why: string }) {
  return (
    <div class="stack tight">
      <p class="soft small">
        <Untrusted text={`${why.slice(0, 1).toUpperCase()}${why.slice(1)}.`.replaceAll('`', '')} max={300} />
      </p>
      <CommandLine text={`wl top ${nameForWl(job)}`} what="the command that asks the machine" />
    </div>
  );
}

function Read({ use, isTable }: { use: JobUse; isTable: boolean }) {
  const series = seriesOf(use);
  return (
    <div class="stack tight">
      {use.program !== undefined && <Program program={use.program} />}
      {use.gpus_lost !== undefined && (
        <p class="note tone-bad" role="alert">
          It sees {use.gpus_lost.has} of the {use.gpus_lost.had} GPUs that it had. A program that uses the others fails.
        </p>
      )}
      {series.length === 0 && <p class="soft">Its machine says nothing about its use so far.</p>}
      {series.length > 0 && (isTable ? <Figures use={use} series={series} /> : <Lines use={use} series={series} />)}
      {use.gpus.length > 1 && <Gpus use={use} />}
    </div>
  );
}

const tones = { waiting: 'busy', running: 'good', restarting: 'warn', exited: 'off' } as const;
const states: Readonly<Record<string, string>> = {
  waiting: 'waits for its machine',
  running: 'runs',
  restarting: 'is started again after a pause',
  exited: 'has ended',
};

function Program({ program }: { program: NonNullable<JobUse['program']> }) {
  const { state, exit_code: code, restarts, since } = program;
  const isKnown = Object.hasOwn(states, state);
  return (
    <p>
      <State tone={isKnown ? tones[state] : 'off'}>
        The main program {isKnown ? states[state] : <Untrusted text={state} max={30} />}
      </State>{' '}
      <span class="soft small">
        since {secondsClock(since, nowMs())}
        {restarts > 0 && `, started again ${restarts === 1 ? 'once' : `${restarts} times`}`}
        {code !== undefined && `, ended with ${exitCodeText(code)}`}
      </span>
    </p>
  );
}

function Lines({ use, series }: { use: JobUse; series: readonly Series[] }) {
  return (
    <>
      <div class="use-lines">
        {series.map(({ key, name, values, max, text }) => {
          const last = values.at(-1) ?? null;
          const shown = last === null ? '–' : text(last);
          return (
            <figure key={key} class="use-line">
              <figcaption class="row spread">
                <span class="soft">{name}</span>
                <span class="num">{shown}</span>
              </figcaption>
              <Sparkline
                {...{ values, min: 0, width: 320, height: 64, ...(max === undefined ? {} : { max }) }}
                label={`${name}: ${shown} now; the table has the figures`}
              />
            </figure>
          );
        })}
      </div>
      <p class="row spread small soft">
        <span>{secondsClock(use.samples[0]!.at, nowMs())}</span>
        <span>now</span>
      </p>
    </>
  );
}

function Figures({ use, series }: { use: JobUse; series: readonly Series[] }) {
  const rows = thinned(
    use.samples.map(({ at }, index) => ({ at, index })),
    tableRows,
  );
  return (
    <Table<{ at: string; index: number }>
      caption="What the job used, the newest first"
      rows={rows.toReversed()}
      rowKey={({ at }) => at}
      columns={[
        {
          ...{ key: 'at', head: 'At', card: 'title' as const },
          cell: ({ at }) => <span class="num">{secondsClock(at, nowMs())}</span>,
        },
        ...series.map(({ key, name, values, text }) => ({
          ...{ key, head: name, align: 'end' as const },
          cell: ({ index }: { index: number }) => {
            const value = values[index] ?? null;
            return <span class="num">{value === null ? '–' : text(value)}</span>;
          },
        })),
      ]}
    />
  );
}

/** Each GPU by itself: a mean hides the one that does nothing. */
function Gpus({ use }: { use: JobUse }) {
  const now = use.samples.at(-1)?.gpus ?? [];
  const figure = (value: number | undefined, unit: string) => (
    <span class="num">{value === undefined ? '–' : `${Math.round(value)} ${unit}`}</span>
  );
  return (
    <Table<JobUse['gpus'][number]>
      caption="Each GPU now"
      rows={use.gpus}
      rowKey={({ index }) => String(index)}
      columns={[
        {
          ...{ key: 'gpu', head: 'GPU', card: 'title' as const },
          cell: ({ index, name = '' }) => (
            <>
              {index} <Untrusted text={name} max={40} class="soft" />
            </>
          ),
        },
        ...(
          [
            ['busy', 'Busy', 'busy_percent', '%', 1],
            ['memory', 'Memory', 'memory_bytes', 'GB', 1024 ** 3],
            ['heat', 'Temperature', 'temperature_c', '°C', 1],
            ['power', 'Power', 'power_w', 'W', 1],
          ] as const
        ).map(([key, head, field, unit, by]) => ({
          ...{ key, head, align: 'end' as const },
          cell: ({ index }: { index: number }) => {
            const value = now.find((gpu) => gpu.index === index)?.[field];
            return figure(value === undefined ? undefined : value / by, unit);
          },
        })),
      ]}
    />
  );
}
