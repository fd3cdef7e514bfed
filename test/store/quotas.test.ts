import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { newWallet } from '../support/api.js';
import { putProvider } from '../support/fleet.js';
import { takingCommands } from '../support/owned.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const spendLimit = 10n ** 30n;
const asked: string[] = [];

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas();
  await putProvider(replicas.database.pool, { providerId: 'prov-quotas', gpuPrice: 1 });
});
afterAll(() => replicas.stop());

async function at(env: Record<string, string>, work: (session: Session, other: Session) => Promise<void>) {
  const api = await replicas.start({ env, commands: takingCommands(asked) });
  try {
    asked.length = 0;
    await work(await api.login({ spendLimit }), await api.login({ spendLimit, account: newWallet() }));
  } finally {
    await api.stop();
  }
}

const order = async (session: Session, gpu_count: number) => {
  const body = { gpu_count, cpu_cores: 1, memory_gb: 1, storage_gb: 1, ssh_public_keys: [sshKey] };
  const reply = await session.request('POST', '/api/v1/jobs', body);
  return { ...(reply.body as { code?: string; detail?: string; job_id?: string; limit?: string }), ...reply };
};
const reserved = async (session: Session) =>
  ((await session.request('GET', '/api/v1/auth/me')).body as { spend_reserved: string }).spend_reserved;
const end = ({ job_id }: { job_id?: string }) =>
  replicas.database.pool.query(`update jobs set status = 'cancelled', ended_at = now() where job_id = $1`, [job_id]);

describe('a wallet', () => {
  test('a wallet has a limited number of GPUs at a time, and reserves nothing for those that it does not get', async () => {
    await at({ MAX_GPUS_PER_WALLET: '2' }, async (session, other) => {
      const first = await order(session, 1);
      expect(first.status).toBe(202);
      const before = await reserved(session);
      const two = await order(session, 2);
      expect([two.status, two.code, two.detail]).toEqual([
        403,
        'quota_exceeded',
        'a wallet may have 2 GPUs at a time; 1 are left',
      ]);
      expect(await reserved(session)).toBe(before);
      expect(asked).toEqual([first.job_id]);
      const second = await order(session, 1);
      expect(second.status).toBe(202);
      const third = await order(session, 1);
      expect([third.code, third.detail]).toEqual(['quota_exceeded', 'a wallet may have 2 GPUs at a time; 0 are left']);
      // A job without GPUs adds none; jobs of other wallets and ended jobs do not count.
      expect((await order(session, 0)).status).toBe(202);
      expect((await order(other, 2)).status).toBe(202);
      await end(first);
      expect((await order(session, 1)).status).toBe(202);
    });
  });

  test('a wallet has a limited number of jobs at a time', async () => {
    await at({ MAX_JOBS_PER_WALLET: '2' }, async (session, other) => {
      const first = await order(session, 0);
      expect((await order(session, 0)).status).toBe(202);
      const third = await order(session, 0);
      expect([third.status, third.code, third.detail]).toEqual([
        403,
        'quota_exceeded',
        'a wallet may have 2 jobs at a time',
      ]);
      expect((await order(other, 0)).status).toBe(202);
      await end(first);
      expect((await order(session, 0)).status).toBe(202);
    });
  });
});

/** What a request counts as; only whether the API refuses it matters. */
const counted: Record<'reads' | 'writes' | 'orders', (session: Session) => Promise<{ status: number; body: unknown }>> =
  {
    reads: (session) => session.request('GET', '/api/v1/jobs'),
    writes: (session) => session.request('DELETE', '/api/v1/jobs/00000000-0000-7000-8000-000000000000'),
    orders: (session) => order(session, 0),
  };

test.each([
  ['RATE_LIMIT_READS', 'reads'],
  ['RATE_LIMIT_WRITES', 'writes'],
  ['RATE_LIMIT_JOBS', 'orders'],
] as const)('%s=1 refuses the second of the %s in a minute, and nothing else', async (variable, limited) => {
  await at({ [variable]: '1' }, async (session, other) => {
    expect((await counted[limited](session)).status).not.toBe(429);
    const second = await counted[limited](session);
    expect([second.status, second.body]).toMatchObject([429, { code: 'rate_limited', limit: limited, allowed: 1 }]);
    for (const [name, send] of Object.entries(counted)) {
      if (name !== limited) expect((await send(session)).status).not.toBe(429);
    }
    expect((await counted[limited](other)).status).not.toBe(429);
  });
});
