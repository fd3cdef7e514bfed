import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

// Whether the site's customers pay in advance stands in the database. So no step that promises service can forget to ask,
// and a wallet is asked whatever it ordered before the site had a chain.

/** From now on this site's customers pay in advance. Those who owe keep what they owe. */
export async function payInAdvance(db: Queryable): Promise<void> {
  await setPrepaid(db, true);
}

/** On a site without a chain customers may owe, also those who paid in advance before. */
export async function payLater(db: Queryable): Promise<void> {
  await setPrepaid(db, false);
}

export async function isPrepaid(db: Queryable): Promise<boolean> {
  const { rowCount } = await db.query(prepared('select from installation where prepaid'));
  return rowCount === 1;
}

/** Costs one read where nothing changes: each order asks for it, so that it holds whichever process started last. */
async function setPrepaid(db: Queryable, prepaid: boolean): Promise<void> {
  if ((await isPrepaid(db)) === prepaid) return;
  await db.query(
    `insert into installation (prepaid) values ($1)
     on conflict (only_one) do update set prepaid = excluded.prepaid where installation.prepaid <> excluded.prepaid`,
    [prepaid],
  );
  // What this misses is put right when the account is asked for: see `requireFunds`. In the order in which bookings lock.
  await db.query(
    `with differing as materialized (
       select id from ledger_accounts
        where kind = 'customer' and may_owe is distinct from (not $1 or balance < 0) order by id for update
     )
     update ledger_accounts a set may_owe = not $1 or balance < 0 from differing where a.id = differing.id`,
    [prepaid],
  );
}
