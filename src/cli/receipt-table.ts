import type { Receipt } from '../client/shapes.js';
import type { VerifiedReceipts } from '../client/verify-receipts.js';
import { clean } from '../words/clean.js';
import { clockText, durationText } from '../words/durations.js';
import type { Money } from '../words/money.js';
import { shortIds } from '../words/short-ids.js';
import type { Context } from './context.js';
import { exitCodes, type ExitCode } from './failure.js';
import type { Column } from './terminal/table.js';

/** The table of `wl receipts`. */
export function receiptColumns(context: Context, money: Money, receipts: readonly Receipt[]): Column<Receipt>[] {
  const { earned: _, ...shown } = columnsOf(context, money, receipts);
  return Object.values(shown);
}

/** The table of a provider: numbers count by customer, and say nothing to him. */
export function earnedColumns(context: Context, money: Money, receipts: readonly Receipt[]): Column<Receipt>[] {
  const { number: _, ...shown } = columnsOf(context, money, receipts);
  return Object.values(shown);
}

function columnsOf(context: Context, money: Money, receipts: readonly Receipt[]) {
  const short = shortIds([...new Set(receipts.map((receipt) => receipt.typed_data.message.jobId))]);
  const of =
    <T>(read: (message: Receipt['typed_data']['message']) => T) =>
    (receipt: Receipt) =>
      read(receipt.typed_data.message);
  return {
    number: { title: 'NUMBER', of: of(({ number }) => String(number)), align: 'right' },
    issued: { title: 'ISSUED', of: of(({ issuedAtMs }) => clockText(issuedAtMs, context.time())), keep: 3 },
    job: { title: 'JOB', of: of(({ jobId }) => short.get(jobId) ?? clean(jobId)), isText: true },
    provider: { title: 'PROVIDER', of: of(({ providerId }) => clean(providerId) || '–'), keep: 1, isText: true },
    time: { title: 'TIME', of: of(({ billedMs }) => durationText(billedMs / 1_000)), align: 'right', keep: 2 },
    charged: { title: `CHARGED ${money.symbol}`, of: of(({ charged }) => money.amount(charged)), align: 'right' },
    earned: { title: `EARNED ${money.symbol}`, of: of(({ earned }) => money.amount(earned)), align: 'right' },
    state: { title: '', of: (receipt) => [refundWord(receipt), receipt.status].filter(Boolean).join(', '), keep: 4 },
  } satisfies Record<string, Column<Receipt>>;
}

const refundWord = ({ typed_data }: Receipt) => (typed_data.message.revision === 0 ? '' : 'after a refund');

/** What `--verify` found, and its exit code. */
export async function sayVerified({ screen, global, money }: Context, found: VerifiedReceipts): Promise<ExitCode> {
  const { problems, count, pending, charged, refunded } = found;
  const code = problems.length === 0 ? exitCodes.done : exitCodes.bug;
  if (global.json === true) {
    screen.json({ ...found, charged: charged.toString(), refunded: refunded.toString() });
    return code;
  }
  for (const problem of problems) screen.paragraph(clean(problem), '  ');
  if (pending > 0) screen.paragraph(`${pending} of ${count} are not signed yet`);
  const { sum } = await money();
  const spent = `${sum(charged.toString())} charged, ${sum(refunded.toString())} refunded`;
  screen.paragraph(
    problems.length === 0
      ? `${count} receipts: nothing is wrong; ${spent}`
      : `${problems.length} problems: ask the operator, and keep your receipts (wl receipts --json)`,
  );
  return code;
}

/** A row of the table for spreadsheets. */
export function receiptRow({ typed_data, digest, status }: Receipt): Record<string, unknown> {
  const { gaps, ...message } = typed_data.message;
  return { ...message, gaps: JSON.stringify(gaps), digest, status };
}
