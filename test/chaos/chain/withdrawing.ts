import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address, Hex } from 'viem';
import { insist } from '../requests.js';
import { tokenOf, type Spending } from './customers.js';

/** What a customer was given to take money out with. */
export interface HeldPermit {
  id: string;
  deadlineMs: number;
  isTaken: boolean;
}

interface WithdrawalBody {
  withdrawal_id: string;
  amount: string;
  cumulative: string;
  deadline: string | null;
  signature: string | null;
  call?: { to: Address; data: Hex } | null;
  code?: string;
}

type Signed = WithdrawalBody & { call: { to: Address; data: Hex } };
const isSigned = (body: WithdrawalBody): body is Signed => body.call !== undefined && body.call !== null;

/** Refusals that the rules explain. */
const refusals: ReadonlySet<string> = new Set(['insufficient_funds', 'withdrawal_pending', 'exit_pending']);

/** Well before a permit lapses. */
const meanwhileMs = 4_000;

/**
 * Takes money out in the ways of a client with a bad connection: asks twice, asks for more meanwhile, sends what was
 * signed once, twice, late, or not at all.
 */
export async function withdrawSome(spending: Spending): Promise<void> {
  const { site, customer, random, counts, purse, over } = spending;
  const { live } = customer;
  const wrong = (what: string) => live.report('withdrawals', `${purse.wallet.address}: ${what}`);
  const { body: has } = await insist(customer, 'GET', '/api/v1/billing/deposits');
  const available = BigInt((has as unknown as { available: string }).available) / site.scale;
  if (available === 0n) return;
  const part = (available * BigInt(random.whole(50, 500))) / 1_000n;
  const amount = (part === 0n ? 1n : part) * site.scale;

  const tooMuch = await ask(spending, (available + tokenOf(site) * 1_000n) * site.scale);
  if (isSigned(tooMuch)) wrong('more was signed than there is');
  const key = randomUUID();
  const [first, again] = await Promise.all([ask(spending, amount, key), ask(spending, amount, key)]);
  if (!isSigned(first)) return;
  if (isSigned(again) && again.signature !== first.signature)
    wrong(`one request was signed twice, as ${first.cumulative} and as ${again.cumulative}`);
  const deadlineMs = Date.parse(first.deadline ?? '');
  keepPermit(spending, first);

  // Of another one nothing may be signed while this one can be taken.
  const other = await ask(spending, site.scale);
  if (isSigned(other)) keepPermit(spending, other);
  const way = random.pick(['at once', 'twice', 'at once', 'late', 'never'] as const);
  if (way !== 'at once') {
    // The broker looks each second whether it has lapsed.
    await sleep(meanwhileMs);
    const meanwhile = await ask(spending, site.scale);
    if (isSigned(meanwhile)) keepPermit(spending, meanwhile);
  }
  if (way === 'late') await sleep(Math.max(0, deadlineMs - Date.now() - random.whole(0, 3_000)));
  if (way === 'never' || live.ended.aborted) return;
  const isTaken = await purse.wallet.send(first.call);
  if (isTaken) {
    counts.withdrawals++;
    purse.permit!.isTaken = true;
  } else if (way !== 'late' && Date.now() < deadlineMs && !over.aborted) counts.withdrawalsRefused++;
  if (way === 'twice' && isTaken && (await purse.wallet.send(first.call))) wrong('a permit was used twice');
}

function keepPermit({ purse, customer }: Spending, { withdrawal_id: id, deadline }: WithdrawalBody): void {
  const before = purse.permit;
  // By its time alone it may be over already: blocks that are final say so some seconds later.
  if (before !== undefined && before.id !== id && !before.isTaken && Date.now() < before.deadlineMs)
    customer.live.report(
      'withdrawals',
      `${purse.wallet.address} was given ${id}, and can take ${before.id} until ${new Date(before.deadlineMs).toISOString()}`,
    );
  purse.permit = { id, deadlineMs: Date.parse(deadline ?? ''), isTaken: false };
}

async function ask({ customer }: Spending, amount: bigint, key = randomUUID() as string): Promise<WithdrawalBody> {
  const asked = { amount: amount.toString() };
  const { status, body } = await insist(customer, 'POST', '/api/v1/billing/withdrawals', asked, {
    'idempotency-key': key,
  });
  const reply = body as unknown as WithdrawalBody;
  if (status !== 201 && !refusals.has(reply.code ?? ''))
    throw new Error(`taking money out answered ${status} ${reply.code ?? ''}`);
  return reply;
}
