import type { AccountKind } from './ledger.js';
import type { Queryable } from './pool.js';

/** What the ledger has of a job that was settled. Amounts are base units. */
export interface JobBookings {
  /** The customer. */
  wallet: string;
  /** At its settlement. */
  charged: bigint;
  fee: bigint;
  feeBps: number;
  providerId: string;
  /** The wallet that was paid; absent if the earnings waited for one. */
  payee?: string;
  /** In order: the revision of each is its place, from 1. */
  refunds: { revision: number; amount: bigint; note: Record<string, unknown> }[];
}

interface Row {
  kind: 'settle' | 'refund';
  note: Record<string, unknown>;
  wallet: string;
  fee_bps: number;
  provider_id: string;
  lines: { kind: AccountKind; owner: string; amount: string }[];
}

/** @returns undefined for a job that was not settled. */
export async function bookedOfJob(db: Queryable, jobId: string): Promise<JobBookings | undefined> {
  const { rows } = await db.query<Row>(
    `select e.kind, e.note, s.wallet, coalesce(j.fee_bps, 0) as fee_bps, coalesce(j.provider_id, '') as provider_id,
            coalesce((select jsonb_agg(jsonb_build_object('kind', a.kind, 'owner', a.owner, 'amount', l.amount::text))
                        from ledger_lines l join ledger_accounts a on a.id = l.account_id where l.entry_id = e.id), '[]') as lines
       from ledger_entries e
       join auth_charges c on c.job_id = e.job_id and c.request_id = '' join auth_sessions s on s.id = c.session_id
       left join jobs j on j.job_id = e.job_id
      where e.job_id = $1 and e.kind in ('settle', 'refund') order by e.id`,
    [jobId],
  );
  const settle = rows.find(({ kind }) => kind === 'settle');
  if (settle === undefined) return undefined;
  const sum = (row: Row, kinds: readonly AccountKind[]) =>
    row.lines.filter(({ kind }) => kinds.includes(kind)).reduce((all, { amount }) => all + BigInt(amount), 0n);
  const payee = settle.lines.find(({ kind }) => kind === 'provider')?.owner;
  return {
    wallet: settle.wallet,
    charged: sum(settle, ['provider', 'unclaimed', 'fees']),
    fee: sum(settle, ['fees']),
    feeBps: settle.fee_bps,
    providerId: settle.lines.find(({ kind }) => kind === 'unclaimed')?.owner ?? settle.provider_id,
    ...(payee === undefined ? {} : { payee }),
    refunds: rows
      .filter(({ kind }) => kind === 'refund')
      .map((row, at) => ({ revision: at + 1, amount: sum(row, ['customer']), note: row.note })),
  };
}
