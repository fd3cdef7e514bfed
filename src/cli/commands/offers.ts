import type { MarketGpu, Offer, OfferQuery } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { defined } from '../defined.js';
import { usage } from '../failure.js';
import { readGpuWords } from '../../words/gpu-words.js';
import { offerColumns } from '../offer-table.js';
import { gpusMeant, noCapacity } from '../order.js';
import { clean } from '../../words/clean.js';
import { watch } from '../watch.js';
import type { Args } from '../tree/command.js';

interface Flags {
  count?: number;
  vram?: number;
  cuda?: string;
  region?: string;
  cpu?: number;
  memory?: number;
  disk?: number;
  maxPrice?: number;
  reliability?: number;
  provider?: string;
  sort?: string;
  all?: boolean;
  watch?: boolean;
}

const mostOffers = 1_000;

export async function run(context: Context, [words]: Args, flags: Flags): Promise<void> {
  const query = queryOf(words as string | undefined, flags);
  if (flags.watch === true) return await watch(context, 10, () => show(context, query, flags, words as string));
  await show(context, query, flags, words as string | undefined);
}

function queryOf(words: string | undefined, flags: Flags): OfferQuery {
  const asked = words === undefined ? undefined : readGpuWords(words);
  if (words !== undefined && asked === undefined)
    throw usage(`"${clean(words)}" names no GPUs`, 'say it like 4090 or 2x4090');
  const count = flags.count ?? (asked === undefined || asked.count === 1 ? undefined : asked.count);
  const maxPrice = flags.maxPrice ?? asked?.maxPricePerGpu;
  return defined({
    ...{ gpu: asked?.gpu, count, maxPrice, minVramGb: flags.vram, minCuda: flags.cuda, region: flags.region },
    ...{ cpuCores: flags.cpu, memoryGb: flags.memory, storageGb: flags.disk, sort: flags.sort },
    minReliability: flags.reliability === undefined ? undefined : flags.reliability / 100,
    all: flags.all === true ? true : undefined,
  });
}

async function show(context: Context, query: OfferQuery, flags: Flags, words: string | undefined): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const all = await client.offers.list(query).all(mostOffers);
  const offers = flags.provider === undefined ? all : all.filter(({ provider_id }) => provider_id === flags.provider);
  if (global.json === true) return screen.json({ offers, count: offers.length });
  if (global.quiet === true) return offers.forEach(({ provider_id }) => screen.print(clean(provider_id)));
  const money = await context.money();
  if (offers.length === 0) return await sayNone(context, query, flags);
  screen.table(offerColumns(money), offers);
  const free = offers.reduce((sum, offer) => sum + offer.free_gpus, 0);
  const more = flags.all === true ? '' : ' Full ones, too: --all.';
  const rent =
    cheapest(offers) === undefined ? '' : ` Rent the cheapest: wl up ${words ?? shortest(cheapest(offers)!)}`;
  screen.note(`${offers.length} ${offers.length === 1 ? 'offer' : 'offers'}, ${free} GPUs free.${more}${rent}`);
}

async function sayNone(context: Context, query: OfferQuery, flags: Flags): Promise<void> {
  const client = await context.client();
  const { gpu_types: market } = await client.market.now();
  const known = query.gpu === undefined ? [] : gpusMeant(query.gpu, market);
  if (query.gpu !== undefined && known.length === 0) {
    throw usage(
      `nobody here has a GPU called "${clean(query.gpu)}"`,
      `there are: ${market.map(({ name }) => clean(name)).join(', ') || 'none'}`,
    );
  }
  const limits =
    Object.keys(query).some((name) => !['gpu', 'all', 'sort', 'count'].includes(name)) || flags.provider !== undefined;
  const gpus = `${query.count ?? 1} × ${known.map(({ name }) => clean(name)).join(' or ') || 'GPU'}`;
  throw noCapacity(gpus, market, limits ? 'nobody fits all that was asked for' : lacking(query, known, market));
}

/** What keeps GPUs that are free from being on offer: an order takes cores, memory and disk with them. */
function lacking({ count = 1 }: OfferQuery, known: readonly MarketGpu[], market: readonly MarketGpu[]): string {
  const isFree = (known.length > 0 ? known : market).some(({ most_at_one_provider: most }) => most >= count);
  return isFree ? 'those that are free have too few cores, memory or disk beside them (--cpu, --memory, --disk)' : '';
}

function cheapest(offers: readonly Offer[]): Offer | undefined {
  return offers.filter(({ can_start }) => can_start).sort((a, b) => a.price_per_gpu_hour - b.price_per_gpu_hour)[0];
}

/** `4090` for `rtx-4090`: what one would type. */
function shortest({ gpu_type: type }: Offer): string {
  return clean(type ?? '').replace(/^(?:rtx|gtx|tesla)-/, '');
}
