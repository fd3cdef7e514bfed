import { Redis } from 'ioredis';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { bareEntry, registrationMessage } from '../../engines/simulated-provider/messages.js';
import { deleteBootstrapToken, newTokenSecret, replaceBootstrapToken } from '../../src/kubernetes/bootstrap-tokens.js';
import { connectKubernetes, type Kubernetes } from '../../src/kubernetes/client.js';
import { responseStream, streams } from '../../src/wire/streams.js';
import { withBenchStack } from './bench-stack.js';
import { quantile, seconds, spread, type Measure } from './measurement.js';
import { cpuMsSince, shares, stackCpu } from './processes.js';

const warmUp = 50;
const registrations = 1_000;
const group = 'bench-agent';

/** The length of a token's id. */
const tokenId = (index: number) => `floor${index.toString(36)}`.slice(-6);

/**
 * How many registrations a second the broker answers with a join command while many agents register at once, and how many
 * join tokens the same cluster creates in a second without any other load.
 */
export const measureRegistrations: Measure = (log) =>
  withBenchStack(log, async ({ stack, endpoints }) => {
    const redis = new Redis(endpoints.redis);
    /** Runs the work for all registrations. @returns also its rate, and the processor time of each process per registration. */
    const measured = async <T>(work: () => Promise<T>) => {
      const before = stackCpu(stack);
      const began = performance.now();
      const result = await work();
      const perSecond = registrations / ((performance.now() - began) / 1000);
      return { result, perSecond, used: shares(cpuMsSince(stack, before, registrations)) };
    };
    try {
      const kubernetes = connectKubernetes({ KUBECONFIG: endpoints.kubeconfig! });
      const floor = await measured(() => makeTokens(kubernetes));
      await spread(registrations, 32, (index) => deleteBootstrapToken(kubernetes, tokenId(index)));
      await register(redis, 'warm', warmUp);
      const { result: answeredMs, perSecond, used } = await measured(() => register(redis, 'bench', registrations));
      return [
        {
          work: `registrations answered with a join command, ${registrations} at once`,
          target: '≥ 100 /s',
          measured: `${perSecond.toFixed(0)} /s; the first after ${seconds(quantile(answeredMs, 0))}`,
          met: perSecond >= 100,
        },
        { work: 'processor that one of these registrations takes', target: '', measured: used },
        {
          work: `${registrations} join tokens made, 32 at a time, and nothing else`,
          target: '',
          measured: `${floor.perSecond.toFixed(0)} /s; processor for each: ${floor.used}`,
        },
      ];
    } finally {
      redis.disconnect();
    }
  });

/** Creates as many join tokens as there will be registrations. */
async function makeTokens(kubernetes: Kubernetes): Promise<void> {
  const expiresAt = new Date(Date.now() + 900_000);
  await spread(registrations, 32, async (index) => {
    const token = { id: tokenId(index), secret: newTokenSecret(), providerId: `floor-${index}`, expiresAt };
    await replaceBootstrapToken(kubernetes, token);
  });
}

/**
 * Publishes all registrations at once and reads their answers, as one agent each would.
 *
 * @returns the milliseconds until each answer.
 */
async function register(redis: Redis, prefix: string, count: number): Promise<number[]> {
  const ids = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  const keys = ids.map(responseStream);
  const groups = redis.pipeline();
  for (const key of keys) groups.xgroup('CREATE', key, group, '$', 'MKSTREAM');
  await groups.exec();
  const began = performance.now();
  const asking = redis.pipeline();
  for (const providerId of ids) {
    const message = registrationMessage(simulatedMachine({ providerId }));
    const fields = await bareEntry(streams.registration, JSON.stringify(message));
    asking.xadd(streams.registration, '*', ...Object.entries(fields).flat());
  }
  await asking.exec();
  const waiting = new Set(keys);
  const answeredMs: number[] = [];
  while (waiting.size > 0) {
    const open = [...waiting];
    const ends = open.map(() => '>');
    const read = await redis.xreadgroup('GROUP', group, 'agent', 'BLOCK', 30_000, 'STREAMS', ...open, ...ends);
    if (read === null) throw new Error(`${waiting.size} of ${count} registrations were not answered within 30 s`);
    const acknowledging = redis.pipeline();
    for (const [key, entries] of read as [string, [string, string[]][]][]) {
      for (const [id, fields] of entries) {
        acknowledging.xack(key, group, id);
        const reply = JSON.parse(fields[fields.indexOf('data') + 1]!) as { join_command?: string };
        if (reply.join_command === undefined) throw new Error(`no join command: ${JSON.stringify(reply)}`);
        if (waiting.delete(key)) answeredMs.push(performance.now() - began);
      }
    }
    await acknowledging.exec();
  }
  return answeredMs;
}
