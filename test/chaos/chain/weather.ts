import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keccak256, toHex, type Address } from 'viem';
import type { Random } from '../../support/random.js';
import type { AskedOfChain, Fault, RpcProxy } from '../../support/rpc-proxy.js';
import type { Live } from '../live.js';
import { lieNames, lieOf, type LieName } from './lies.js';
import { finality, type ChainSite } from './site.js';

/** What happened to the chain and its nodes, by name. */
export type WeatherCounts = Record<
  'rollbacks' | 'noise' | 'sendsDisturbed' | 'away' | 'bothAway' | 'lies' | 'liesTold' | 'alarms',
  number
>;

export interface Weather {
  counts: WeatherCounts;
  liesTold: Partial<Record<LieName, number>>;
  /** Nobody deposits for it: a node alone says so. */
  victim: Address;
  /** Looked at before each request: kills a process at a moment that matters. */
  watch(what: (asked: AskedOfChain) => Fault | undefined): void;
  /** Ends the faults: from now on all nodes tell the truth. */
  clear(): Promise<void>;
}

interface WeatherOptions {
  site: ChainSite;
  random: Random;
  logFolder: string;
  live: Live;
  log: (line: string) => void;
  /** Whether nothing of it happens. */
  isCalm: boolean;
}

const kinds = ['rollback', 'noise', 'sends', 'away', 'lie', 'rollback', 'lie', 'both away', 'lie'] as const;
type Kind = (typeof kinds)[number];
/** How long a lie may go on without an alarm; each second something is read. */
const alarmWithinMs = 90_000;

/** Has nodes fail, lie and be away, and the chain take blocks back, one after the other, until it is cleared. */
export function startWeather({ site, random, logFolder, live, log, isCalm }: WeatherOptions): Weather {
  const counts: WeatherCounts = {
    ...{ rollbacks: 0, noise: 0, sendsDisturbed: 0, away: 0, bothAway: 0, lies: 0, liesTold: 0, alarms: 0 },
  };
  const liesTold: Weather['liesTold'] = {};
  const victim = keccak256(toHex(`victim ${random.next()}`)).slice(0, 42) as Address;
  const cleared = new AbortController();
  const over = AbortSignal.any([cleared.signal, live.ended]);
  const pause = (ms: number) => sleep(ms, undefined, { signal: over }).catch(() => undefined);
  const deciding = new Map<RpcProxy, (asked: AskedOfChain) => Fault>();
  let watching: (asked: AskedOfChain) => Fault | undefined = () => undefined;
  const pass = (): Fault => 'pass';
  for (const node of site.nodes)
    node.faults((asked) => {
      // A long run asks a million times.
      node.asked.length = 0;
      const fault = (deciding.get(node) ?? pass)(asked);
      return fault === 'pass' ? (watching(asked) ?? 'pass') : fault;
    });

  async function during(nodes: readonly RpcProxy[], decide: (asked: AskedOfChain) => Fault, ms: number) {
    for (const node of nodes) deciding.set(node, decide);
    await pause(ms);
    for (const node of nodes) deciding.delete(node);
  }

  /** Never below what was final: blocks that stay have to follow before the next one. */
  async function rollback(): Promise<void> {
    const height = await site.height();
    if (height < site.highest() || height < 20) return;
    const depth = random.whole(1, finality - 1);
    await site.anvil.client.request({ method: 'anvil_rollback', params: [depth] } as never);
    counts.rollbacks++;
    while (!over.aborted && (await site.height()) <= site.highest() - 1) await pause(300);
  }

  const noise = (): Fault => {
    if (random.next() > 0.15) return 'pass';
    counts.noise++;
    const busy = { error: { code: -32005, message: 'too many requests' } };
    return random.pick<Fault>(['no connection', 'lose answer', 'nonsense', busy, 'twice', 'no connection']);
  };
  const sends = ({ method }: AskedOfChain): Fault => {
    if (method !== 'eth_sendRawTransaction') return 'pass';
    counts.sendsDisturbed++;
    const known = { error: { code: -32000, message: 'already known' } };
    return random.pick<Fault>(['twice', 'swallow', 'lose answer', known, 'no connection', 'twice']);
  };

  const firstLiar = random.whole(0, 1);
  /** A broker that believes one node only is found by the lies of the other, so each tells one that raises an alarm. */
  const liarOf = (name: LieName, nth: number) =>
    site.nodes[(firstLiar + Math.floor(nth / lieNames.length) + (name === 'block changed' ? 1 : 0)) % 2]!;

  async function lie(nth: number): Promise<void> {
    const name = lieNames[nth % lieNames.length]!;
    const node = liarOf(name, nth);
    const { of, isAlarming } = lieOf(name, { vault: site.vault, victim, random });
    counts.lies++;
    const before = alarmsIn(logFolder);
    let told = 0;
    const began = Date.now();
    deciding.set(node, (asked) => of(asked, () => void told++));
    await pause(random.whole(4_000, 8_000));
    // An alarm is raised by a reading, and the readers may be dead, or the database.
    const isAwaited = () => isAlarming && told > 0 && alarmsIn(logFolder) === before;
    while (isAwaited() && Date.now() - began < alarmWithinMs && !over.aborted) await pause(500);
    deciding.delete(node);
    counts.liesTold += told;
    liesTold[name] = (liesTold[name] ?? 0) + told;
    if (isAwaited() && !over.aborted)
      live.report('lies', `a node told ${told} times "${name}" in ${Date.now() - began} ms, and there was no alarm`);
    counts.alarms += alarmsIn(logFolder) - before;
  }

  let liesGiven = random.whole(0, lieNames.length - 1);
  const happen: Record<Kind, () => Promise<void>> = {
    rollback,
    noise: () => during(site.nodes, noise, random.whole(3_000, 6_000)),
    sends: () => during(site.nodes, sends, random.whole(8_000, 14_000)),
    async away() {
      counts.away++;
      await during([random.pick(site.nodes)], () => 'no connection', random.whole(2_000, 5_000));
    },
    async 'both away'() {
      counts.bothAway++;
      await during(site.nodes, () => random.pick<Fault>(['no connection', 'hang']), random.whole(2_000, 5_000));
    },
    lie: () => lie(liesGiven++),
  };

  const going = (async () => {
    for (let n = random.whole(0, kinds.length - 1); !over.aborted; n++) {
      if (isCalm) return;
      const kind = kinds[n % kinds.length]!;
      log(`chain: ${kind}`);
      await happen[kind]();
      await pause(random.whole(1_000, 3_000));
    }
  })();
  going.catch((error: unknown) => log(`the weather of the chain: ${String(error)}`));

  return {
    ...{ counts, liesTold, victim },
    watch: (what) => void (watching = what),
    async clear() {
      cleared.abort();
      await going;
      deciding.clear();
      watching = () => undefined;
    },
  };
}

/** Alarms in the logs of all processes. Several processes write them, and each is a line. */
function alarmsIn(logFolder: string): number {
  return readdirSync(logFolder)
    .filter((file) => /^(worker|broker)/.test(file))
    .map((file) => readFileSync(join(logFolder, file), 'utf8').split(alarm).length - 1)
    .reduce((sum, count) => sum + count, 0);
}

const alarm = 'nothing of the vault is booked until its nodes agree';
