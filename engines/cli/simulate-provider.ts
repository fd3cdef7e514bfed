import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoints } from '../engine.js';
import { keptKeys } from '../simulated-provider/keys.js';
import { startSimulatedProvider } from '../simulated-provider/provider.js';
import { argumentsOf } from './arguments.js';

const usage = `Usage: npm run provider:simulate -- --id NAME [options]

Joins a simulated machine to the broker the way a real one joins: registration on Redis, join command, certificate,
node, heartbeats. Its containers are not real: at its NodePorts, a loopback address of its own answers SSH with a greeting.

  --id NAME            provider id (default sim-<random>)
  --redis URL          the broker's Redis (default: from --data)
  --data DIR           the stack whose endpoints.json has the URLs of Redis and the API (default .data/stack); the keys
                       of the machine and its wallet are kept there, in provider-keys/NAME.json
  --audience URL       the broker's public origin, part of each signature (default: AUTH_AUDIENCE, or the API of --data)
  --chain-id N         a chain that the broker accepts (default 1)
  --unsigned           sign nothing, like today's public agents
  --wallet 0x…         with --unsigned: the address that is paid
  --gpu MODEL          (default "NVIDIA GeForce RTX 4090")
  --gpus N             (default 4)
  --cpu N --memory-gb N --disk-gb N
  --price P            per GPU and hour (default 0.5)
  --heartbeat SECONDS  (default 30)
`;

try {
  await main();
} catch (error) {
  console.error(`✗ ${(error as Error).message}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = argumentsOf(usage, {
    options: {
      ...{ id: text, redis: text, wallet: text, gpu: text, gpus: text, cpu: text, price: text, heartbeat: text },
      ...{ 'memory-gb': text, 'disk-gb': text, audience: text, 'chain-id': text },
      unsigned: { type: 'boolean', default: false },
      data: { type: 'string', default: '.data/stack' },
    },
  });
  const { redis, api } = endpointsOf(values.data);
  const redisUrl = values.redis ?? redis;
  if (redisUrl === undefined)
    throw new Error(`no Redis: set --redis, or start a stack in ${values.data} (npm run stack)`);
  const audience = values.audience ?? process.env['AUTH_AUDIENCE'] ?? api;
  if (audience === undefined && !values.unsigned)
    throw new Error('no API to sign for: set --audience, or use --unsigned');
  if (values.wallet !== undefined && !values.unsigned)
    throw new Error('--wallet requires --unsigned: otherwise the wallet that signs is paid');
  const number = (value: string | undefined, byDefault: number) => {
    const result = value === undefined ? byDefault : Number(value);
    if (!Number.isFinite(result) || result < 0) throw new Error(`${value} is not a valid number`);
    return result;
  };
  const providerId = values.id ?? `sim-${Math.random().toString(36).slice(2, 8)}`;
  const provider = startSimulatedProvider({
    redisUrl,
    providerId,
    ...(values.wallet === undefined ? {} : { wallet: values.wallet }),
    ...(values.unsigned || audience === undefined
      ? {}
      : {
          signAs: {
            audience,
            chainId: number(values['chain-id'], 1),
            keys: keptKeys(join(values.data, 'provider-keys', `${providerId}.json`)),
          },
        }),
    gpus: { model: values.gpu ?? 'NVIDIA GeForce RTX 4090', count: number(values.gpus, 4) },
    cpuCores: number(values.cpu, 32),
    memoryMb: number(values['memory-gb'], 128) * 1024,
    diskGb: number(values['disk-gb'], 1_000),
    gpuPricePerHour: number(values.price, 0.5),
    heartbeatIntervalMs: number(values.heartbeat, 30) * 1_000,
    answers: true,
    log: console.log,
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void provider.stop().then(() => process.exit(0)));
  }
  await provider.joined;
  console.log('sending heartbeats until Ctrl-C. Who logs in to its jobs reads what it is, and is out again');
}

/** The endpoints of the stack in a folder; empty when none runs there. */
function endpointsOf(dataDir: string): Partial<Endpoints> {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'endpoints.json'), 'utf8')) as Endpoints;
  } catch {
    return {};
  }
}
