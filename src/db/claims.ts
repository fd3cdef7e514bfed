import { postEntry } from './ledger.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

/**
 * Gives a provider's wallet what waited for it, if the wallet is proven: its owner signed for the machine's key, and the
 * machine has signed with it. Repeated, it does nothing.
 *
 * @returns the base units that moved.
 */
export async function claimEarnings(tx: Queryable, providerId: string): Promise<bigint> {
  const { rows } = await tx.query<{ id: number; balance: string; wallet: string }>(
    prepared(`select a.id, a.balance::text, i.wallet
       from ledger_accounts a join provider_identities i on i.provider_id = a.owner and i.signed_at is not null
      where a.kind = 'unclaimed' and a.owner = $1 and a.balance > 0 for update of a`),
    [providerId],
  );
  const waiting = rows[0];
  if (waiting === undefined) return 0n;
  const amount = BigInt(waiting.balance);
  const { rows: earlier } = await tx.query<{ claims: number }>(
    `select count(*)::int as claims from ledger_lines l join ledger_entries e on e.id = l.entry_id
      where l.account_id = $1 and l.amount < 0 and e.kind = 'claim'`,
    [waiting.id],
  );
  await postEntry(tx, {
    key: `claim/${providerId}/${earlier[0]!.claims + 1}`,
    kind: 'claim',
    lines: [
      { kind: 'unclaimed', owner: providerId, amount: -amount },
      { kind: 'provider', owner: waiting.wallet, amount },
    ],
  });
  return amount;
}

/** Providers whose wallet is proven, and for whom something still waits. */
export async function claimableProviders(db: Queryable, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ provider_id: string }>(
    `select i.provider_id
       from ledger_accounts a join provider_identities i on i.provider_id = a.owner and i.signed_at is not null
      where a.kind = 'unclaimed' and a.balance > 0 order by a.id limit $1`,
    [limit],
  );
  return rows.map(({ provider_id }) => provider_id);
}

/** The wallet that claimed a provider's earnings last. */
export async function lastClaimant(db: Queryable, providerId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ owner: string }>(
    `select p.owner
       from ledger_accounts u join ledger_lines l on l.account_id = u.id
       join ledger_entries e on e.id = l.entry_id and e.kind = 'claim'
       join ledger_lines paid on paid.entry_id = e.id join ledger_accounts p on p.id = paid.account_id
      where u.kind = 'unclaimed' and u.owner = $1 and p.kind = 'provider'
      order by l.at desc, l.entry_id desc limit 1`,
    [providerId],
  );
  return rows[0]?.owner;
}
