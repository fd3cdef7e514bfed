import type pg from 'pg';
import type { Address } from 'viem';
import type { Finding } from '../invariant-names.js';
import { readChainLog, sumOf, type ChainLog } from './chain-log.js';
import type { Purse } from './customers.js';
import { finality, type ChainSite } from './site.js';

/** What is known of a run besides what chain and database say. */
interface ChainFacts {
  site: ChainSite;
  purses: readonly Purse[];
  victim: Address;
  /** Units of the token that were sent straight to the vault. */
  unasked: bigint;
}

type Customer = readonly [balance: bigint, spent: bigint, cap: bigint, exitAt: bigint, withdrawn: bigint];
type Payee = readonly [credited: bigint, withdrawn: bigint];

/** The ledger as it is now, and the last lines of settlements that were executed. */
interface Books {
  account(kind: string, owner: string): bigint;
  /** Of all owners together. */
  all(kind: string): bigint;
  owners(kind: string): string[];
  waiting(wallet: string): bigint;
  lastLine(side: 'draw' | 'credit', wallet: string): bigint;
}

/** Everything that is compared between the vault and the books once nothing is on its way. */
export async function checkChainMoney(facts: ChainFacts, database: pg.Client): Promise<Finding[]> {
  const head = await facts.site.height();
  const log = await readChainLog(facts.site, BigInt(head - finality));
  const books = await readBooks(database);
  return [
    { invariant: 'booked', violations: await bookedViolations(log, database, head - finality) },
    { invariant: 'vault', violations: await vaultViolations(facts, log, books) },
    { invariant: 'settlements', violations: await settlementViolations(facts, log, database) },
    { invariant: 'withdrawals', violations: await withdrawalViolations(facts, log, books, database) },
    { invariant: 'prepaid', violations: await unpaidViolations(facts, database) },
  ];
}

async function readBooks(database: pg.Client): Promise<Books> {
  const { rows: accounts } = await database.query<{ kind: string; owner: string; balance: string }>(
    'select kind, owner, balance::text from ledger_accounts',
  );
  const { rows: wallets } = await database.query<{ wallet: string; waiting: string }>(
    'select wallet, waiting::text from chain_wallets',
  );
  const { rows: lines } = await database.query<{ side: string; wallet: string; cumulative: string }>(
    `select distinct on (l.side, l.wallet) l.side, l.wallet, l.cumulative::text
       from batch_lines l join batches b on b.chain_id = l.chain_id and b.vault = l.vault and b.number = l.batch
      where b.status = 'final' order by l.side, l.wallet, l.batch desc`,
  );
  const balances = new Map(accounts.map(({ kind, owner, balance }) => [`${kind} ${owner}`, BigInt(balance)]));
  const waiting = new Map(wallets.map((row) => [row.wallet, BigInt(row.waiting)]));
  const last = new Map(lines.map((row) => [`${row.side} ${row.wallet}`, BigInt(row.cumulative)]));
  return {
    account: (kind, owner) => balances.get(`${kind} ${owner}`) ?? 0n,
    all: (wanted) =>
      accounts.filter(({ kind }) => kind === wanted).reduce((sum, { balance }) => sum + BigInt(balance), 0n),
    owners: (wanted) => accounts.filter(({ kind }) => kind === wanted).map(({ owner }) => owner),
    waiting: (wallet) => waiting.get(wallet) ?? 0n,
    lastLine: (side, wallet) => last.get(`${side} ${wallet}`) ?? 0n,
  };
}

/** All that is final on the chain, and nothing else, stands in the database once. */
async function bookedViolations({ ids }: ChainLog, database: pg.Client, final: number): Promise<string[]> {
  const { rows } = await database.query<{ id: string; name: string; block: string }>(
    `select tx_hash || '/' || log_index as id, name, block_number::text as block from chain_events`,
  );
  const known = new Set(rows.map(({ id }) => id));
  const { rows: cursors } = await database.query<{ block: string }>('select block::text from chain_cursor');
  const read = Number(cursors[0]?.block ?? -1);
  return [
    ...rows
      .filter(({ id, block }) => Number(block) <= final && !ids.has(id))
      .map(({ id, name }) => `${name} ${id} is not on the chain`),
    ...[...ids]
      .filter((id) => !known.has(id))
      .map((id) => `${id} is on the chain, and not booked (read up to ${read} of ${final})`),
  ];
}

/** What the vault has is what the books say, for each account and to the unit. */
async function vaultViolations({ site, purses, unasked }: ChainFacts, log: ChainLog, books: Books): Promise<string[]> {
  const { scale } = site;
  const wrong: string[] = [];
  const must = (what: string, is: bigint, should: bigint) => {
    if (is !== should) wrong.push(`${what}: ${is}, and ${should} was to be`);
  };
  const held = sumOf(log.deposits) - sumOf(log.withdrawals) - sumOf(log.earnings) - log.swept;
  must('tokens of the vault', await site.tokensOf(site.vault), held + unasked);
  let waiting = 0n;
  let owed = 0n;
  let customers = 0n;
  for (const { wallet } of purses) {
    const { address } = wallet;
    const [balance, spent] = await site.read<Customer>('customers', [address]);
    const his = ['customer', 'reserved', 'withdrawing'].reduce((sum, kind) => sum + books.account(kind, address), 0n);
    const dust = books.waiting(address) / scale;
    customers += balance;
    waiting += dust;
    if (his < 0n) owed += -his;
    must(`customer ${address}`, balance, (his > 0n ? his / scale : 0n) + dust);
    must(`draws of ${address}`, spent, books.lastLine('draw', address));
  }
  let owedToPayees = 0n;
  for (const owner of new Set([...books.owners('provider'), ...books.owners('payable')])) {
    const [credited, withdrawn] = await site.read<Payee>('payees', [owner]);
    owedToPayees += credited - withdrawn;
    must(`payee ${owner}`, credited - withdrawn, books.account('payable', owner) / scale);
    must(`credits of ${owner}`, credited, books.lastLine('credit', owner));
    must(`earnings of ${owner} in a settlement`, books.account('in_batch', owner), 0n);
  }
  // The treasury may sweep what draws were rounded up by, below a unit a customer; fees make up for it later.
  const swept = -books.all('fees');
  if (swept > scale * BigInt(purses.length)) wrong.push(`${swept} of ${scale} a unit were swept, and are no fees`);
  // Nobody can be credited what a customer left with, or what was swept. Credits are of whole units, and each payee has
  // a fraction of one besides: the least that lacks may be all that makes his last unit.
  const left = books.owners('provider').map((owner) => books.account('provider', owner) / scale);
  const lacking = left.reduce((sum, units) => sum + (units > 0n ? (units - 1n) * scale + 1n : 0n), 0n);
  if (lacking > owed + (swept > 0n ? swept : 0n))
    wrong.push(
      `earnings of ${left.join(', ')} units are in no settlement; customers owe ${owed}, and the treasury ${swept}, of ${scale} a unit`,
    );
  const fees = await site.read<bigint>('fees');
  must('customers, payees and fees of the vault', customers + owedToPayees + fees, held);
  const vaultAccount = -books.all('vault');
  must('what the ledger says that the vault holds', vaultAccount / scale, held - waiting);
  const everybody = [
    ...['customer', 'reserved', 'withdrawing', 'provider', 'unclaimed', 'in_batch', 'payable', 'fees', 'rounding'],
    ...['bad_debt', 'manual'],
  ].reduce((sum, kind) => sum + books.all(kind), 0n);
  must('what all accounts hold together', everybody, (held - waiting) * scale);
  return wrong;
}

interface BatchRow {
  number: number;
  hash: string;
  status: string;
  void_reason: string | null;
  cut_ms: number;
  ends: number;
  has_credits: boolean;
}

/** Each settlement that was executed is booked once, and nothing else is; no line is above what its customer allows. */
async function settlementViolations({ purses }: ChainFacts, log: ChainLog, database: pg.Client): Promise<string[]> {
  const wrong: string[] = [];
  const { rows } = await database.query<BatchRow>(
    `select b.number::int, b.hash, b.status, b.void_reason, extract(epoch from b.cut_at)::float8 * 1000 as cut_ms,
            (select count(*)::int from ledger_entries e
              where e.kind in ('batch_final', 'batch_void') and e.note ->> 'batch' = b.number::text) as ends,
            exists (select from batch_lines l where l.batch = b.number and l.side = 'credit') as has_credits
       from batches b`,
  );
  const executed = new Set(log.executed.map(({ number }) => number));
  for (const { number, hash, status, void_reason: why, ends, has_credits: hasCredits } of rows) {
    const must = (holds: boolean, what: string) => {
      if (!holds) wrong.push(`settlement ${number} (${status}${why === null ? '' : `: ${why}`}) ${what}`);
    };
    must(status === 'final' || status === 'void', 'is under way');
    must((status === 'final') === executed.has(number), executed.has(number) ? 'was executed' : 'was not executed');
    must(ends === (hasCredits && why !== 'foreign' ? 1 : 0), `has ${ends} ends in the ledger`);
    must(status !== 'final' || log.proposed.get(number) === hash, 'is another one on the chain');
    must(why !== 'vetoed' || log.vetoed.has(number), 'was not vetoed');
    must(why !== 'foreign' && why !== 'operator_changed', 'is a stranger’s, and nobody else has the key');
  }
  const vetoed = rows.filter(({ void_reason: why }) => why === 'vetoed').length;
  const { rows: stops } = await database.query<{ count: number }>(
    `select count(*)::int as count from settlement_stops where reason = 'vetoed'`,
  );
  if (stops[0]!.count !== vetoed)
    wrong.push(`${vetoed} settlements were vetoed, and ${stops[0]!.count} times they stopped`);
  if (executed.size !== log.executed.length) wrong.push('a settlement was executed twice');
  const cutMs = new Map(rows.map((row) => [row.number, row.cut_ms]));
  const { rows: draws } = await database.query<{ batch: number; wallet: string; cumulative: string }>(
    `select batch::int, wallet, cumulative::text from batch_lines where side = 'draw'`,
  );
  for (const { batch, wallet, cumulative } of draws) {
    const atMs = cutMs.get(batch) ?? 0;
    const purse = purses.find(({ wallet: { address } }) => address === wallet);
    const allowed = (purse?.caps ?? []).filter((each) => each.atMs <= atMs).map(({ cap }) => cap);
    const most = allowed.reduce((least, cap) => (cap > least ? cap : least), 0n);
    if (BigInt(cumulative) > most)
      wrong.push(`settlement ${batch} draws ${cumulative} of ${wallet}, who allows ${most}`);
    const deposited = sumOf(log.deposits.filter(({ customer, atMs: at }) => customer === wallet && at <= atMs + 1_000));
    if (BigInt(cumulative) > deposited)
      wrong.push(`settlement ${batch} draws ${cumulative} of ${wallet}, who has deposited ${deposited}`);
  }
  return wrong;
}

/** What left the vault is booked once, and as what it was; nobody got more than he had. */
async function withdrawalViolations(
  { site, purses }: ChainFacts,
  log: ChainLog,
  books: Books,
  database: pg.Client,
): Promise<string[]> {
  const wrong: string[] = [];
  const { rows } = await database.query<{ owner: string; amount: string }>(
    `select a.owner, -sum(l.amount)::numeric as amount
       from ledger_entries e join ledger_lines l on l.entry_id = e.id join ledger_accounts a on a.id = l.account_id
      where e.kind = 'withdrawn' and a.kind in ('customer', 'withdrawing', 'payable', 'fees') group by 1`,
  );
  const booked = new Map(rows.map(({ owner, amount }) => [owner, BigInt(amount)]));
  const out = new Map<string, bigint>();
  for (const { customer, amount } of log.withdrawals) out.set(customer, (out.get(customer) ?? 0n) + amount);
  for (const { payee, amount } of log.earnings) out.set(payee, (out.get(payee) ?? 0n) + amount);
  out.set('', log.swept);
  for (const owner of new Set([...booked.keys(), ...out.keys()])) {
    const [is, should] = [booked.get(owner) ?? 0n, (out.get(owner) ?? 0n) * site.scale];
    if (is !== should) wrong.push(`${owner || 'the treasury'} took out ${should}, and ${is} is booked`);
  }
  for (const { wallet, hasExited } of purses) {
    const his = books.account('customer', wallet.address);
    if (his < 0n && !hasExited) wrong.push(`${wallet.address} has ${his}, and has not left`);
  }
  return wrong;
}

/** At no entry of the ledger did a customer owe anything, unless he had left with everything. */
async function unpaidViolations({ purses }: ChainFacts, database: pg.Client): Promise<string[]> {
  const mayOwe = purses.filter(({ hasExited }) => hasExited).map(({ wallet }) => wallet.address);
  const { rows } = await database.query<{ what: string }>(
    `select a.owner || ' had ' || l.balance || ' after ' || e.key as what
       from ledger_lines l join ledger_accounts a on a.id = l.account_id join ledger_entries e on e.id = l.entry_id
      where a.kind = 'customer' and l.balance < 0 and a.owner <> all ($1)
     union all
     select 'the job ' || j.job_id || ' ran, and ' || s.wallet || ' never deposited anything'
       from jobs j join auth_charges c on c.job_id = j.job_id join auth_sessions s on s.id = c.session_id
      where j.started_at is not null and not exists (
        select from ledger_entries e join ledger_lines l on l.entry_id = e.id join ledger_accounts a on a.id = l.account_id
         where e.kind = 'deposit' and a.owner = s.wallet and e.at <= j.started_at)`,
    [mayOwe],
  );
  return rows.map(({ what }) => what);
}
