import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { rent, type JobsStack } from './jobs-stack.js';
import { spread, type Measurement } from './measurement.js';
import { cpuMsSince, stackCpu, sumOf } from './processes.js';

const jobs = 150;
const inFlight = 16;

/** What the ledger takes of the processor time of a job’s whole life. */
export async function measureLedgerShare({ bench, session }: JobsStack): Promise<Measurement> {
  let stackMs = 0;
  const ledgerMs = await inLedgerMs(bench.endpoints.postgres!, async () => {
    const began = stackCpu(bench.stack);
    await spread(jobs, inFlight, async () => {
      const { id } = await rent(session);
      await session.request('DELETE', `/api/v1/jobs/${id}`, undefined, { prefer: 'wait=60' });
    });
    stackMs = sumOf(cpuMsSince(bench.stack, began, 1));
  });
  return {
    work: 'the ledger’s functions, of the processor time of a job’s life',
    target: '',
    measured: `${((ledgerMs / stackMs) * 100).toFixed(1)} % (${(ledgerMs / jobs).toFixed(1)} of ${(stackMs / jobs).toFixed(0)} ms)`,
  };
}

/**
 * Measures the time that Postgres spends in the ledger’s functions while `run` runs: bookings, the checks of each
 * entry and line, and the triggers that let the ledger only grow. The statements around them are not the ledger’s.
 *
 * @param url of the database, as an account that may change the server’s settings.
 * @returns milliseconds, each function’s own time added up.
 */
async function inLedgerMs(url: string, run: () => Promise<void>): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("alter system set track_functions = 'pl'");
    await client.query('select pg_reload_conf()');
    await run();
    // Backends report their figures when they fall idle, at most some seconds later.
    const spent = async () => {
      await client.query('select pg_stat_clear_snapshot()');
      const { rows } = await client.query<{ ms: number | null }>(
        "select sum(self_time) as ms from pg_stat_user_functions where funcname like 'ledger%'",
      );
      return rows[0]!.ms ?? 0;
    };
    let before = Number.NaN;
    let now = await spent();
    while (now === 0 || now !== before) {
      await sleep(2_000);
      [before, now] = [now, await spent()];
    }
    return now;
  } finally {
    await client.query('alter system reset track_functions').catch(() => undefined);
    await client.end();
  }
}
