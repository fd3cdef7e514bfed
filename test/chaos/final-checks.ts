import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import type { Endpoints } from '../../engines/engine.js';
import { exportHistories } from '../support/secrets.js';
import type { RunLog } from './bills.js';
import type { ChainSide } from './chain/chain-side.js';
import type { Finding } from './invariant-names.js';
import { checkInvariants } from './invariants.js';
import { secretsFound } from './leaks.js';
import { checkRepairs, type Planted } from './repairs.js';
import { failedTasks, upkeepOf } from './temporal-checks.js';

interface EndOfRun {
  endpoints: Endpoints;
  runLog: RunLog;
  logFolder: string;
  /** How long transient violations may last. */
  quietWithinMs: number;
  planted: Planted | undefined;
  providerId: string;
  withLoss: boolean;
  /** Of a run with a chain. */
  chain: ChainSide | undefined;
}

/** Everything that is checked once all jobs are over. */
export async function checkAtTheEnd(end: EndOfRun): Promise<Finding[]> {
  const { endpoints, runLog, logFolder, quietWithinMs, planted, providerId, withLoss, chain } = end;
  const findings = await whenQuiet(endpoints, runLog, quietWithinMs, chain);
  const connection = await Connection.connect({ address: endpoints.temporal! });
  const database = new pg.Client(endpoints.postgres);
  try {
    await database.connect();
    const temporal = new Client({ connection, namespace: endpoints.temporal_namespace! });
    const { outages, secrets } = runLog;
    findings.push(await checkRepairs({ temporal, database, planted, providerId, outages, withLoss }));
    const histories = { ...(await exportHistories(temporal)), ...(await exportHistories(upkeepOf(temporal))) };
    findings.push(failedTasks(histories), secretsFound(logFolder, histories, secrets));
    return findings;
  } finally {
    await database.end();
    await connection.close();
  }
}

/** The invariants hold at rest; work under way gets time to finish. */
async function whenQuiet(
  endpoints: Endpoints,
  runLog: RunLog,
  withinMs: number,
  chain: ChainSide | undefined,
): Promise<Finding[]> {
  for (const deadline = Date.now() + withinMs; ; await sleep(2_000)) {
    const held = await checkInvariants(endpoints, runLog, { hasChain: chain !== undefined });
    const findings = [...held, ...((await chain?.check()) ?? [])];
    const mayPass = findings.some(({ violations, isLasting }) => violations.length > 0 && isLasting !== true);
    if (!mayPass || Date.now() > deadline) return findings;
  }
}
