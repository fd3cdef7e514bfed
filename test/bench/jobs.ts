/**
 * How long `POST /api/v1/jobs` takes until SSH is ready, alone and with 32 in flight, and how many registrations a
 * second are answered with a join command: `npm run bench:jobs`. Client, broker and engines share the machine.
 */
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { login, type Session } from '../../src/auth/client.js';
import { startSimulatedProvider, type SimulatedProvider } from '../../src/engines/simulated-provider/provider.js';
import { printTable, quantile, spread, withBenchStack } from './bench-stack.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl bench';
const order = { gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 1, ssh_public_keys: [key] };

const alone = Number(process.argv[2] ?? 30);
const together = Number(process.argv[3] ?? 200);
const inFlight = 32;
const registrations = 200;

await withBenchStack({ PROVIDER_AUTH_MODE: 'off' }, async (stack) => {
  const { api, redis } = stack.endpoints();
  const providers = Array.from({ length: 5 }, (_, index) =>
    startSimulatedProvider({
      redisUrl: redis!,
      providerId: `bench-${index}`,
      gpus: { model: 'NVIDIA GeForce RTX 4090', count: 64 },
      cpuCores: 1_000,
      memoryMb: 1_000_000,
      diskGb: 10_000,
    }),
  );
  await Promise.all(providers.map(({ joined }) => joined));
  const session = await login({
    api: api!,
    account: privateKeyToAccount(generatePrivateKey()),
    spendLimit: 10n ** 24n,
  });

  const aloneMs: number[] = [];
  const ids: string[] = [];
  for (let n = 0; n < alone + 3; n++) {
    const { ms, id } = await rent(session);
    // The first few warm the caches of everybody concerned.
    if (n >= 3) aloneMs.push(ms);
    ids.push(id);
  }
  const togetherMs: number[] = [];
  const began = performance.now();
  await spread(together, inFlight, async () => {
    const { ms, id } = await rent(session);
    togetherMs.push(ms);
    ids.push(id);
  });
  const jobsPerSecond = together / ((performance.now() - began) / 1000);
  const endMs: number[] = [];
  await spread(ids.length, inFlight, async (index) => {
    const started = performance.now();
    await session.request('DELETE', `/api/v1/jobs/${ids[index]!}`, undefined, { prefer: 'wait=60' });
    endMs.push(performance.now() - started);
  });

  const answeredMs: number[] = [];
  const askedAt = performance.now();
  const asking: SimulatedProvider[] = [];
  await Promise.all(
    Array.from({ length: registrations }, async (_, index) => {
      const provider = startSimulatedProvider({
        redisUrl: redis!,
        providerId: `reg-${index}`,
        gpus: { model: 'NVIDIA GeForce RTX 4090', count: 1 },
        heartbeatIntervalMs: 0,
        join: false,
      });
      asking.push(provider);
      const { repliedAfterMs } = await provider.joined;
      answeredMs.push(repliedAfterMs);
    }),
  );
  const registrationsPerSecond = registrations / ((performance.now() - askedAt) / 1000);
  await Promise.all([...providers, ...asking].map((provider) => provider.stop()));

  const s = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
  printTable(
    ['work', 'p50', 'p95', 'rate'],
    [
      ['POST /jobs to SSH info, alone', s(quantile(aloneMs, 0.5)), s(quantile(aloneMs, 0.95)), ''],
      [
        `POST /jobs to SSH info, ${inFlight} in flight`,
        s(quantile(togetherMs, 0.5)),
        s(quantile(togetherMs, 0.95)),
        `${jobsPerSecond.toFixed(1)} /s`,
      ],
      [`DELETE /jobs/:id to released, ${inFlight} in flight`, s(quantile(endMs, 0.5)), s(quantile(endMs, 0.95)), ''],
      [
        `registration to join command, ${registrations} at once`,
        s(quantile(answeredMs, 0.5)),
        s(quantile(answeredMs, 0.95)),
        `${registrationsPerSecond.toFixed(0)} /s`,
      ],
    ],
  );
});

async function rent(session: Session): Promise<{ ms: number; id: string }> {
  const started = performance.now();
  const { status, body } = await session.request('POST', '/api/v1/jobs', order, { prefer: 'wait=60' });
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  return { ms: performance.now() - started, id: (body as { job_id: string }).job_id };
}
