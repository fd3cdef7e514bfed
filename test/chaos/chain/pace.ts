import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Endpoints } from '../../../engines/engine.js';
import type { Edit } from '../faults/edit.js';

/**
 * The broker of a run with a chain: it looks at a settlement each second, waits less for nodes, blocks and
 * signatures, and a withdrawal lapses soon.
 */
export const hurried: readonly Edit[] = [
  { file: 'src/chain/settlement.ts', find: 'const pollS = 15;', replace: 'const pollS = 1;' },
  { file: 'src/chain/settlement.ts', find: 'const pausePollS = 60;', replace: 'const pausePollS = 2;' },
  { file: 'src/domain/exit-margin.ts', find: 'const leastSigningS = 120;', replace: 'const leastSigningS = 5;' },
  { file: 'src/chain/outbox.ts', find: 'const patienceS = 60;', replace: 'const patienceS = 5;' },
  {
    file: 'workflows/settlement-batch.ts',
    find: `retry: { initialInterval: '2s', maximumAttempts: 3 },`,
    replace: `retry: { initialInterval: '1s', maximumInterval: '2s', maximumAttempts: 3 },`,
  },
  { file: 'workflows/settlement-batch.ts', find: 'const tryAgainInS = 15;', replace: 'const tryAgainInS = 2;' },
  { file: 'src/chain/withdrawal.ts', find: 'const takenWithinS = 900;', replace: 'const takenWithinS = 25;' },
  { file: 'src/chain/rpc.ts', find: 'const rpcTimeoutMs = 10_000;', replace: 'const rpcTimeoutMs = 2_000;' },
];

/** What a site does every few hours, every few seconds. */
const scheduled = [
  { id: 'vault-watch', everyMs: 1_000, of: '-upkeep' },
  { id: 'settlement', everyMs: 3_000, of: '' },
] as const;

/** Triggers the Schedules of the chain until it is stopped. Temporal may be killed meanwhile. */
export function keepPace(endpoints: Endpoints): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopped.signal }).catch(() => undefined);
  const connect = Connection.connect({ address: endpoints.temporal! });
  const going = scheduled.map(async ({ id, everyMs, of }) => {
    const namespace = `${endpoints.temporal_namespace!}${of}`;
    const { schedule } = new Client({ connection: await connect, namespace });
    for (; !stopped.signal.aborted; await pause(everyMs))
      await schedule
        .getHandle(id)
        .trigger(ScheduleOverlapPolicy.SKIP)
        .catch(() => undefined);
  });
  return {
    async stop() {
      stopped.abort();
      await Promise.allSettled(going);
      await (await connect).close();
    },
  };
}
