import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Address } from 'viem';
import type { Invariant } from '../invariant-names.js';
import type { Live } from '../live.js';
import { finality, type ChainSite } from './site.js';

/** Checks of the chain's money that are made during the run. */
export interface ChainSampler {
  samples(): number;
  stop(): Promise<void>;
}

interface ChainSampling {
  site: ChainSite;
  postgres: string;
  live: Live;
  /** Wallets that never deposited, whatever a node says. */
  victim: Address;
  /** Wallets that took out what they had not paid yet, which the rules allow. */
  mayOwe(): readonly string[];
}

const everyMs = 500;
/** What an account below 0 says, by its kind: a payee's is one from which more was taken than was credited. */
const below = {
  ...{ customer: 'prepaid', reserved: 'prepaid', withdrawing: 'withdrawals' },
  ...{ in_batch: 'vault', payable: 'vault' },
} as const satisfies Record<string, Invariant>;

/** Samples the database: nothing is booked before it is final, nobody owes, and nothing that was made up is believed. */
export function startChainSampler({ site, postgres, live, victim, mayOwe }: ChainSampling): ChainSampler {
  const pool = new pg.Pool({ connectionString: postgres, max: 1, connectionTimeoutMillis: 2_000 });
  pool.on('error', () => undefined);
  let samples = 0;
  let stopped = false;

  async function sample(): Promise<void> {
    const { rows: read } = await pool.query<{ block: string | null }>(
      `select greatest((select max(block_number) from chain_events), (select max(block) from chain_cursor))::text as block`,
    );
    const { rows: owing } = await pool.query<{ kind: keyof typeof below; owner: string; balance: string }>(
      `select kind, owner, balance::text from ledger_accounts
        where kind = any ($2) and balance < 0 and owner <> all ($1)`,
      [mayOwe(), Object.keys(below)],
    );
    const { rows: believed } = await pool.query<{ what: string }>(
      `select 'vault' as what from chain_wallets where wallet = $1
        union all select 'account ' || kind from ledger_accounts where owner = $1
        union all select 'event ' || name from chain_events where lower(args ->> 'customer') = $1`,
      [victim],
    );
    await site.height();
    samples++;
    const final = site.highest() - finality;
    if (read[0]?.block !== null && Number(read[0]?.block) > final)
      live.report('final', `block ${read[0]!.block} is booked, and the last one that can be final is ${final}`);
    for (const { kind, owner, balance } of owing) live.report(below[kind], `${kind} ${owner} has ${balance}`);
    for (const { what } of believed) live.report('lies', `what a node alone said of ${victim} is believed: ${what}`);
  }

  const running = (async () => {
    for (; !stopped; await sleep(everyMs)) {
      // The database may be killed.
      await sample().catch(() => undefined);
    }
  })();

  return {
    samples: () => samples,
    async stop() {
      if (stopped) return;
      stopped = true;
      await running;
      await sample().finally(() => pool.end());
    },
  };
}
