import { Redis } from 'ioredis';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { bareEntry, registrationMessage } from '../../engines/simulated-provider/messages.js';
import { startStack } from '../../engines/stack.js';
import { responseStream, streams } from '../../src/wire/streams.js';
import { withBenchStack, type BenchStack } from './bench-stack.js';
import { stackOf } from './jobs-before.js';
import type { Measurement } from './measurement.js';
import { cpuMsSince, stackCpu, sumOf } from './processes.js';

const agents = 800;
/** Far more than the broker answers meanwhile, so that most agents ask again. */
const patienceMs = 10_000;
/** How long answers that came too late are still counted after the last agent has one. */
const afterwardsMs = 15_000;
const timeoutMs = 300_000;
const group = 'bench-agent';

interface Storm {
  messages: number;
  answers: number;
  tokens: number;
  /** Until every agent had an answer. */
  seconds: number;
  cpuMs: number;
}

/**
 * A storm of agents that give up and register again: how many answers the broker makes for each of them.
 *
 * @param checkout an earlier version, built, that meets the same storm before this one does.
 */
export async function measureStorm(log: (line: string) => void, checkout?: string): Promise<Measurement[]> {
  const before = checkout === undefined ? undefined : await stormOf(log, await stackOf(checkout));
  const now = await stormOf(log, startStack);
  const measurements: Measurement[] = [];
  if (before !== undefined) measurements.push({ work: `${title}, before`, target: '', measured: words(before) });
  const each = now.answers / agents;
  measurements.push({ work: title, target: '≤ 1.1 answers each', measured: words(now), met: each <= 1.1 });
  return measurements;
}

const title = `${agents} agents that give up after ${patienceMs / 1_000} s and register again`;

function words({ messages, answers, tokens, seconds, cpuMs }: Storm): string {
  return (
    `${(answers / agents).toFixed(2)} answers and ${(tokens / agents).toFixed(2)} tokens each to ${messages} messages; ` +
    `all answered after ${seconds.toFixed(0)} s; ${cpuMs.toFixed(0)} ms of processor each`
  );
}

async function stormOf(log: (line: string) => void, start: typeof startStack): Promise<Storm> {
  return await withBenchStack(log, (bench) => storm(log, bench), { start });
}

async function storm(log: (line: string) => void, { stack, endpoints }: BenchStack): Promise<Storm> {
  const redis = new Redis(endpoints.redis);
  const reader = new Redis(endpoints.redis);
  try {
    const keys = Array.from({ length: agents }, (_, index) => responseStream(`storm-${index}`));
    await Promise.all(keys.map((key) => redis.xgroup('CREATE', key, group, '$', 'MKSTREAM')));
    const cpuBegan = stackCpu(stack);
    const began = performance.now();
    const since = () => performance.now() - began;
    const unanswered = new Set(keys);
    const tokens = new Set<string>();
    let [answers, messages, round, doneMs] = [0, 0, 0, Infinity];
    while (since() < Math.min(timeoutMs, doneMs + afterwardsMs)) {
      if (unanswered.size > 0 && since() >= round * patienceMs) {
        log(
          `${(since() / 1_000).toFixed(0)} s: ${agents - unanswered.size} answered, ${answers} answers, ${messages} messages`,
        );
        round += 1;
        messages += await register(redis, unanswered);
      }
      for (const { key, token } of await read(reader, keys)) {
        answers += 1;
        tokens.add(token);
        if (unanswered.delete(key) && unanswered.size === 0) doneMs = since();
      }
    }
    if (unanswered.size > 0) throw new Error(`${unanswered.size} agents had no answer after ${timeoutMs} ms`);
    const cpuMs = sumOf(cpuMsSince(stack, cpuBegan, agents));
    return { messages, answers, tokens: tokens.size, seconds: doneMs / 1_000, cpuMs };
  } finally {
    redis.disconnect();
    reader.disconnect();
  }
}

/** Registers all agents that wait. @returns how many. */
async function register(redis: Redis, waiting: ReadonlySet<string>): Promise<number> {
  const asking = redis.pipeline();
  for (const key of waiting) {
    const message = registrationMessage(simulatedMachine({ providerId: key.slice(responseStream('').length) }));
    const fields = await bareEntry(streams.registration, JSON.stringify(message));
    asking.xadd(streams.registration, '*', ...Object.entries(fields).flat());
  }
  await asking.exec();
  return waiting.size;
}

/** Reads what has come for all agents, also for those that have an answer. */
async function read(redis: Redis, keys: readonly string[]): Promise<{ key: string; token: string }[]> {
  const ends = keys.map(() => '>');
  const found = await redis.xreadgroup('GROUP', group, 'agent', 'BLOCK', 500, 'STREAMS', ...keys, ...ends);
  const acknowledging = redis.pipeline();
  const answers: { key: string; token: string }[] = [];
  for (const [key, entries] of (found ?? []) as [string, [string, string[]][]][]) {
    for (const [id, fields] of entries) {
      acknowledging.xack(key, group, id);
      const { join_token: token } = JSON.parse(fields[fields.indexOf('data') + 1]!) as { join_token?: string };
      if (token === undefined) throw new Error(`no join command: ${fields.join(' ')}`);
      answers.push({ key, token });
    }
  }
  await acknowledging.exec();
  return answers;
}
