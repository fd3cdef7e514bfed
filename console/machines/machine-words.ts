import { durationText } from '../../src/words/durations.js';
import { gpuText } from '../../src/words/gpu-text.js';
import { priceText } from '../../src/words/money.js';
import { providerState } from '../../src/words/states.js';
import type { OwnProvider } from '../../src/client/types.generated.js';
import type { Tone } from '../parts/tone.js';

export interface MachineState {
  glyph: string;
  word: string;
  tone: Tone;
  /** Why, and what follows for its jobs. Parts of it may be a stranger's words. */
  because?: string;
}

/** Whoever rents out machines likes a full one as well as one that waits for customers. */
const tones: Readonly<Record<string, Tone>> = { green: 'good', cyan: 'good', red: 'bad', dim: 'off' };
const onTheWay: ReadonlySet<string> = new Set(['pending', 'approved', 'joined']);

function toneOf(status: string, style: string | undefined): Tone {
  if (style === 'yellow') return onTheWay.has(status) ? 'busy' : 'warn';
  return tones[style ?? ''] ?? 'off';
}

type Facts = Pick<
  OwnProvider,
  'status' | 'cordoned' | 'drained' | 'retiring' | 'state_reason' | 'last_heartbeat' | 'drain_until' | 'capacity'
> & { running_jobs?: number };

/** Whether its owner, or an operator, has taken it out of service and it still has jobs. */
export function isLeaving({ cordoned, drained }: Pick<OwnProvider, 'cordoned' | 'drained'>): boolean {
  return cordoned && !drained;
}

/** The state of a machine in words that say what follows from it. */
export function machineState(
  machine: Facts,
  { nowMs, lossGraceS }: { nowMs: number; lossGraceS: number },
): MachineState {
  const { glyph, word, style } = providerState(machine.status, machine);
  const state = { glyph, word: wordOf(machine, word), tone: toneOf(machine.status, style) };
  const because = machine.status === 'offline' ? whyOffline(machine, nowMs, lossGraceS) : whyNot(machine, nowMs);
  return because === '' ? state : { ...state, because };
}

function wordOf({ status, retiring = false, cordoned, drained }: Facts, word: string): string {
  if (status === 'retired' || status === 'offline') return word;
  if (retiring && !drained) return 'leaving';
  if (cordoned && !drained && status === 'available') return 'cordoned';
  return word;
}

/** `not heard for 4 min; 2 jobs have at least 1 min left`. */
function whyOffline(machine: Facts, nowMs: number, lossGraceS: number): string {
  const { last_heartbeat: heard, state_reason: said = '', running_jobs: jobs = 0 } = machine;
  const heardMs = heard === undefined ? NaN : Date.parse(heard);
  // The broker counts in seconds, and only as of its answer: this count goes on.
  const isSilent = /^not heard for \d+ s/.test(said) && !Number.isNaN(heardMs);
  const silence = isSilent ? `not heard for ${durationText((nowMs - heardMs) / 1000)}` : '';
  const rest = isSilent ? said.replace(/^not heard for \d+ s(?:; )?/, '') : said;
  return [silence, rest, jobsLeft(jobs, heardMs + lossGraceS * 1000 - nowMs)].filter((part) => part !== '').join('; ');
}

/** The broker waits for as long as `lossGraceS`, from the moment at which it noticed: some time after the last beat. */
function jobsLeft(jobs: number, leftMs: number): string {
  if (jobs === 0) return '';
  const what = jobs === 1 ? '1 job' : `${jobs} jobs`;
  if (Number.isNaN(leftMs)) return `${what} will end unless it comes back`;
  if (leftMs <= 0) return `${what} may end at any moment`;
  return `${what} ${jobs === 1 ? 'has' : 'have'} at least ${durationText(leftMs / 1000)} left`;
}

function whyNot(machine: Facts, nowMs: number): string {
  const { state_reason: said = '', running_jobs: jobs = 0, drain_until: until } = machine;
  if (!isLeaving(machine) || machine.status === 'retired') return said;
  const what = machine.retiring === true ? 'it leaves after its last job' : 'it takes no new jobs';
  if (jobs === 0) return what;
  const count = jobs === 1 ? '1 job runs' : `${jobs} jobs run`;
  const end = until === undefined ? ' on' : ` for ${durationText((Date.parse(until) - nowMs) / 1000)} more at most`;
  return `${what}; ${count}${end}`;
}

export interface GpusUsed {
  used: number;
  total: number;
  /** `RTX 4090`, or several types. */
  names: string;
}

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, each) => total + each, 0);

export function gpusUsed({ capacity }: Pick<OwnProvider, 'capacity'>): GpusUsed {
  const names = Object.keys(capacity.total_gpus).map((type) => gpuText(undefined, type));
  return { used: sum(capacity.in_use_gpus), total: sum(capacity.total_gpus), names: names.join(', ') };
}

/** `0.50`, or from the cheapest type to the dearest; undefined if nobody has set a price. */
export function pricesText({ capacity }: Pick<OwnProvider, 'capacity'>): string | undefined {
  const priced = Object.entries(capacity.gpu_prices_per_hour)
    .filter(([type]) => capacity.gpu_price_sources[type] !== 'none')
    .map(([, price]) => price);
  if (priced.length === 0) return undefined;
  const [least, most] = [Math.min(...priced), Math.max(...priced)];
  return least === most ? priceText(least) : `${priceText(least)}–${priceText(most)}`;
}

const daySeconds = 86_400;
/** From then on a machine says that it wants a new signature; the agent itself begins a week later. */
const soonS = 14 * daySeconds;

export interface SignatureLeft {
  text: string;
  /** `none`: the machine does not sign. */
  urgency: 'none' | 'fine' | 'soon' | 'over';
}

/** How long the owner's signature for the machine's key is still good. */
export function signatureLeft(expiresAt: string | undefined, nowMs: number): SignatureLeft {
  if (expiresAt === undefined) return { text: 'not signed', urgency: 'none' };
  const leftS = (Date.parse(expiresAt) - nowMs) / 1000;
  if (Number.isNaN(leftS)) return { text: '–', urgency: 'none' };
  if (leftS <= 0) return { text: 'has run out', urgency: 'over' };
  const text = leftS < 2 * daySeconds ? durationText(leftS) : `${Math.floor(leftS / daySeconds)} d`;
  return { text, urgency: leftS < soonS ? 'soon' : 'fine' };
}
