import { readFileSync } from 'node:fs';
import type { WorldLand as Client } from '../client/index.js';
import type { MarketGpu, Order, OrderedPort } from '../client/shapes.js';
import { meansGpu, readGpuName } from '../domain/gpu-name.js';
import type { Context } from './context.js';
import { defined } from './defined.js';
import { exitCodes, Failure, usage } from './failure.js';
import { reason } from './files/private-file.js';
import { readGpuWords, type GpuWords } from '../words/gpu-words.js';
import { priceText } from '../words/money.js';
import { machineIn } from './region.js';
import { choose } from './terminal/ask.js';
import { clean } from '../words/clean.js';

/** The flags that `wl quote` and `wl up` share. */
export interface OrderFlags {
  hours?: number;
  name?: string;
  image?: string;
  port?: OrderedPort[];
  template?: string;
  cpu?: number;
  memory?: number;
  disk?: number;
  env?: Record<string, string>;
  envFile?: string;
  command?: string;
  entrypoint?: boolean;
  workdir?: string;
  restart?: string;
  endWithCommand?: boolean;
  key?: string[];
  provider?: string;
  region?: string;
  vram?: number;
  cuda?: string;
  maxPrice?: number;
}

export interface Wanted {
  order: Order;
  /** The GPUs in words, as the broker calls them: `2 × RTX 4090`. */
  gpus: string;
  market: MarketGpu[];
}

const jobName = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** The order that words and flags mean, without its SSH keys. */
export async function orderFrom(context: Context, words: string, flags: OrderFlags): Promise<Wanted> {
  const asked = readGpuWords(words);
  if (asked === undefined)
    throw usage(`"${clean(words)}" names no GPUs`, 'say it like 4090, 2x4090, h100:8 or 4090@0.5');
  if (flags.name !== undefined && !jobName.test(flags.name)) {
    throw usage(`--name ${clean(flags.name)}: give lower-case letters, digits and -, 32 at most`);
  }
  const client = await context.client();
  const { site, market } = await factsOf(context, client);
  const gpu = await gpuMeant(context, asked, market);
  const { settings } = context;
  // A template brings its own.
  const image = flags.image ?? (flags.template === undefined ? settings.image : undefined);
  const env = { ...(flags.envFile === undefined ? {} : variablesIn(flags.envFile)), ...flags.env };
  const perGpu = asked.maxPricePerGpu === undefined ? undefined : asked.maxPricePerGpu * asked.count;
  const maxPrice = flags.maxPrice ?? perGpu;
  const inRegion = async (region: string) =>
    await machineIn(
      client,
      region,
      defined({
        ...{ gpu: gpu.gpu_type, count: asked.count, minVramGb: flags.vram, minCuda: flags.cuda },
        ...{ cpuCores: flags.cpu, memoryGb: flags.memory, storageGb: flags.disk },
        maxPrice: maxPrice === undefined ? undefined : maxPrice / asked.count,
      }),
    );
  const provider = flags.provider ?? (flags.region === undefined ? undefined : await inRegion(flags.region));
  const order = defined({
    gpu_type: gpu.gpu_type,
    gpu_count: asked.count,
    duration_hours: flags.hours ?? settings.hours ?? site.jobs.defaults.duration_hours,
    job_name: flags.name,
    image,
    cpu_cores: flags.cpu,
    memory_gb: flags.memory,
    storage_gb: flags.disk,
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...programIn(flags),
    ports: flags.port,
    template: flags.template,
    provider_id: provider,
    min_vram_gb: flags.vram,
    min_cuda: flags.cuda,
    max_price_per_hour: maxPrice,
  });
  return { order, gpus: `${asked.count} × ${clean(gpu.name)}`, market };
}

/** A line is for the shell of the image; an image without one is ordered over the API. */
function programIn({ command, entrypoint, workdir, restart, endWithCommand }: OrderFlags) {
  return {
    ...(command === undefined ? {} : { command: ['sh', '-c', command] }),
    ...(entrypoint === true ? { entrypoint: 'image' as const } : {}),
    ...(workdir === undefined ? {} : { workdir }),
    ...(restart === undefined ? {} : { restart: restart as 'never' | 'on_failure' | 'always' }),
    ...(endWithCommand === true ? { end_with_command: true } : {}),
  };
}

async function factsOf(context: Context, client: Client) {
  const [site, market] = await Promise.all([context.site(), client.market.now()]);
  return { site, market: market.gpu_types };
}

/** The type that the words mean. Several: the person chooses, and a program is told how to say it. */
async function gpuMeant(context: Context, asked: GpuWords, market: readonly MarketGpu[]): Promise<MarketGpu> {
  const found = gpusMeant(asked.gpu, market);
  if (found.length === 1) return found[0]!;
  if (found.length === 0) throw nobodyHas(asked, market);
  const names = found.map(
    (gpu) => `${clean(gpu.name)}: ${gpu.free} of ${gpu.total} free, from ${priceText(gpu.price?.min)}`,
  );
  if (!context.screen.canAsk || context.global.json === true) {
    const keys = found.map(({ gpu_type }) => clean(gpu_type)).join(', ');
    throw usage(`"${clean(asked.gpu)}" means several types`, `say which: ${keys}`);
  }
  return found[await choose(`"${clean(asked.gpu)}" means several types. Which?`, names)]!;
}

/** By the broker's own names for a type, else by what the words mean. */
export function gpusMeant(words: string, market: readonly MarketGpu[]): MarketGpu[] {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const exact = market.filter((gpu) => [gpu.gpu_type, gpu.name].some((name) => plain(name) === plain(words)));
  if (exact.length > 0) return exact;
  const meant = readGpuName(words);
  return market.filter(
    (gpu) => gpu.aliases.some((alias) => plain(alias) === plain(words)) || meansGpu(meant, readGpuName(gpu.gpu_type)),
  );
}

function nobodyHas(asked: GpuWords, market: readonly MarketGpu[]): Failure {
  const isKnown = readGpuName(asked.gpu).member !== undefined;
  if (isKnown) return noCapacity(`${asked.count} × ${clean(asked.gpu).toUpperCase()}`, market);
  const names = market.map(({ name }) => clean(name)).join(', ');
  return usage(
    `nobody here has a GPU called "${clean(asked.gpu)}"`,
    names === '' ? 'nobody offers GPUs now' : `there are: ${names}`,
  );
}

/** Nobody has it: what is free instead. */
export function noCapacity(gpus: string, market: readonly MarketGpu[], why = ''): Failure {
  const free = market
    .filter((gpu) => gpu.free > 0)
    .sort((a, b) => (a.price?.min ?? 0) - (b.price?.min ?? 0))
    .slice(0, 6)
    .map((gpu) => `${gpu.free} × ${clean(gpu.name)} from ${priceText(gpu.price?.min)}`);
  const instead = free.length === 0 ? 'No GPU is free now.' : `Free now: ${free.join(', ')}.`;
  const line = why === '' ? `Nobody has ${gpus} free (no_capacity).` : `Nobody can take ${gpus} (no_capacity): ${why}.`;
  return new Failure(exitCodes.noCapacity, `${line} ${instead}`, 'wl offers --all shows what there is');
}

function variablesIn(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`--env-file ${file} cannot be read: ${reason(error)}`);
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim().replace(/^export\s+/, ''));
  return Object.fromEntries(
    lines.flatMap((line, at) => {
      if (line === '' || line.startsWith('#')) return [];
      const split = line.indexOf('=');
      if (split <= 0) throw usage(`${file}, line ${at + 1}: expected NAME=VALUE`);
      return [[line.slice(0, split), line.slice(split + 1).replace(/^(["'])(.*)\1$/, '$2')]];
    }),
  );
}
