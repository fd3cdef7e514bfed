import type { Prices } from '../../client/providers.js';
import type { Context } from '../context.js';
import { usage } from '../failure.js';
import { shownOf } from '../provider-table.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

interface Flags {
  gpu?: string[];
  cpu?: number;
  memory?: number;
  storage?: number;
  reset?: boolean;
}

export async function run(context: Context, [id]: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const isSet = [flags.gpu, flags.cpu, flags.memory, flags.storage].some((price) => price !== undefined);
  if (isSet === (flags.reset === true))
    throw usage('say a price, or --reset', `wl provider price ${id as string} --gpu 0.5`);
  const answer =
    flags.reset === true
      ? await client.providers.clearPrices(id as string)
      : await client.providers.setPrices(id as string, await pricesOf(context, id as string, flags));
  if (global.json === true) return screen.json(answer ?? null);
  if (global.quiet === true) return screen.print(id as string);
  screen.paragraph(
    flags.reset === true
      ? `${clean(id as string)} has its own prices again.`
      : 'For new jobs from now on; those that run keep theirs.',
  );
}

async function pricesOf(context: Context, id: string, flags: Flags): Promise<Prices> {
  const gpu: Record<string, number> = {};
  for (const given of flags.gpu ?? []) {
    const [, type = '', price = ''] = /^(?:(.+)=)?(\d{1,9}(?:\.\d{1,9})?)$/.exec(given) ?? [];
    if (price === '') throw usage(`--gpu ${clean(given)}: give a price such as 0.5, or rtx-4090=0.5`);
    for (const each of type === '' ? await typesOf(context, id) : [type]) gpu[each] = Number(price);
  }
  return {
    ...(flags.gpu === undefined ? {} : { gpu }),
    ...(flags.cpu === undefined ? {} : { cpu: flags.cpu }),
    ...(flags.memory === undefined ? {} : { memory_gb: flags.memory }),
    ...(flags.storage === undefined ? {} : { storage_gb: flags.storage }),
  };
}

/** A price without a type is that of the machine's only type. */
async function typesOf(context: Context, id: string): Promise<string[]> {
  const client = await context.client();
  const types = Object.keys(shownOf(await client.providers.get(id)).capacity?.total_gpus ?? {});
  if (types.length > 1) throw usage(`${clean(id)} has several types`, `--gpu ${clean(types[0]!)}=0.5`);
  if (types.length === 0) throw usage(`${clean(id)} has no GPUs`);
  return types;
}
