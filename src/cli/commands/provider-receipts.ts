import type { Context } from '../context.js';
import { printCsv } from '../csv.js';
import type { ExitCode } from '../failure.js';
import { earnedColumns, receiptRow, sayVerified } from '../receipt-table.js';
import type { Args } from '../tree/command.js';

interface Flags {
  from?: Date;
  to?: Date;
  verify?: boolean;
  csv?: boolean;
}

export async function run(context: Context, [id]: Args, flags: Flags): Promise<ExitCode | void> {
  const { screen, global } = context;
  const client = await context.client();
  const query = {
    ...(id === undefined ? {} : { providerId: id as string }),
    ...(flags.from === undefined ? {} : { from: flags.from }),
    ...(flags.to === undefined ? {} : { to: flags.to }),
  };
  if (flags.verify === true) return await sayVerified(context, await client.receipts.verifyEarned(query));
  const receipts = await client.receipts.earned({ ...query, limit: 100 }).all();
  // With the keys, so that whoever has the file can check it without asking anybody.
  if (global.json === true) return screen.json({ receipts, keys: await client.receipts.keys() });
  if (flags.csv === true) return printCsv(screen, receipts.map(receiptRow));
  if (global.quiet === true) return receipts.forEach(({ digest }) => screen.print(digest));
  const money = await context.money();
  if (receipts.length > 0) screen.table(earnedColumns(context, money, receipts), receipts);
  screen.paragraph(
    receipts.length === 0
      ? 'no receipts: each job that was ready on your machines gets one when it ends'
      : `${receipts.length} receipts; wl provider receipts --verify checks them here`,
  );
}
