import type { WorldLand as Client } from '../../client/index.js';
import type { Receipt } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { printCsv } from '../csv.js';
import { clockText } from '../../words/durations.js';
import type { ExitCode } from '../failure.js';
import { receiptColumns, receiptRow, sayVerified } from '../receipt-table.js';
import { jobMeant } from '../job-words.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

interface Flags {
  from?: Date;
  to?: Date;
  verify?: boolean;
  csv?: boolean;
}

export async function run(context: Context, [word]: Args, flags: Flags): Promise<ExitCode | void> {
  const client = await context.client();
  if (word !== undefined) return showOne(context, await receiptMeant(client, word as string));
  if (flags.verify === true) return await sayVerified(context, await client.receipts.verify());
  const { screen, global } = context;
  const receipts = await client.receipts.list({ ...flags, limit: 100 }).all();
  // With the keys, so that whoever has the file can check it without asking anybody.
  if (global.json === true) return screen.json({ receipts, keys: await client.receipts.keys() });
  if (flags.csv === true) return printCsv(screen, receipts.map(receiptRow));
  if (global.quiet === true) return receipts.forEach(({ digest }) => screen.print(digest));
  const money = await context.money();
  if (receipts.length > 0) screen.table(receiptColumns(context, money, receipts), receipts);
  screen.paragraph(
    receipts.length === 0
      ? 'no receipts: each job that was ready gets one when it ends'
      : `${receipts.length} receipts; wl receipts JOB shows one, wl receipts --verify checks all`,
  );
}

/** By the digest, or by what a person calls the job. */
async function receiptMeant(client: Client, word: string): Promise<Receipt> {
  if (/^0x[0-9a-f]{64}$/i.test(word)) return await client.receipts.get(word.toLowerCase());
  const { job } = await jobMeant(client, word);
  return await client.receipts.ofJob(job.job_id);
}

/** All figures as they are signed, so that a pocket calculator suffices. */
function showOne(context: Context, receipt: Receipt): void {
  const { screen, global } = context;
  const { message } = receipt.typed_data;
  if (global.json === true) return screen.json(receipt);
  if (global.quiet === true) return screen.print(receipt.digest);
  const at = (ms: number) => clockText(ms, context.time());
  const missedMs = message.gaps.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const lines = [
    `receipt ${message.number} of ${message.customer}, ${receipt.status}`,
    `  job ${clean(message.jobId)} on ${clean(message.providerId)}, ${clean(message.outcome)}${message.revision === 0 ? '' : `, after refund ${message.revision}`}`,
    `  ${clean(message.resources)}`,
    `  served ${at(message.readyAtMs)} to ${at(message.servedUntilMs)}`,
    ...message.gaps.map(({ fromMs, toMs }) => `  not served ${at(fromMs)} to ${at(toMs)}: ${toMs - fromMs} ms`),
    `  billed ${message.servedUntilMs} - ${message.readyAtMs} - ${missedMs} = ${message.billedMs} ms`,
    `  charged ${message.ratePerHour} × ${message.billedMs} / 3600000 = ${message.charged}, of ${message.reserved} reserved`,
    `  fee ${message.charged} × ${message.feeBps} / 10000 = ${message.fee}, the provider earns ${message.earned}`,
    `  issued ${at(message.issuedAtMs)}`,
    `  digest ${receipt.digest}`,
    ...receipt.signatures.map(({ signer }) => `  signed by ${clean(signer)}`),
  ];
  for (const line of lines) screen.paragraph(line, '  ');
}
