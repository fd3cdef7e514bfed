import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jobObjectName, jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { carryOut } from '../support/activity.js';
import type { Api } from '../support/api.js';
import { exportHistories, findSecrets } from '../support/secrets.js';
import { namespaceOf } from '../support/tenants.js';
import { decidedWithinMs } from '../support/until.js';
import { startTracingApi } from '../support/tracing-api.js';
import { createWorld, type World } from '../support/world.js';

let world: World;
let api: Api;
beforeAll(async () => {
  world = await createWorld();
  api = await startTracingApi(world);
});
afterAll(async () => {
  await api?.stop();
  await world.close();
});

const at = ({ jobId, wallet }: Pick<JobOrder, 'jobId' | 'wallet'>) => ({
  ...{ name: jobObjectName(jobId), namespace: namespaceOf(wallet) },
});
const serviceOf = (of: Pick<JobOrder, 'jobId' | 'wallet'>) =>
  unlessNotFound(world.kubernetes.core.readNamespacedService(at(of)));
const policyOf = (of: Pick<JobOrder, 'jobId' | 'wallet'>) =>
  unlessNotFound(world.kubernetes.networking.readNamespacedNetworkPolicy(at(of)));
const ports = [
  { port: 8888, name: 'web', protocol: 'http' },
  { port: 53, name: 'dns', protocol: 'udp' },
] as const;

test('a job by a template opens its ports and no others, its token is only in its Secret, and all of it goes with the job', async () => {
  const session = await api.login({ spendLimit: 10n ** 30n });
  const bearer = await session.token();
  const placed = await api.send('POST', '/api/v1/jobs', {
    bearer,
    body: {
      ...{ provider_id: await world.provider(), template: 'jupyter', ports: [{ port: 53, protocol: 'udp' }] },
      ssh_public_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test'],
    },
    headers: { prefer: 'wait=60' },
  });
  expect(placed.json).toMatchObject({ status: 'running', template: 'jupyter' });
  const { job_id: jobId, template_token: token, ssh_host: host } = placed.json as Record<string, string>;
  const of = { jobId: jobId!, wallet: session.wallet };

  const { spec } = (await serviceOf(of))!;
  expect(spec!.ports).toMatchObject([
    { name: 'ssh', port: 22, protocol: 'TCP', nodePort: placed.json.ssh_port },
    { name: 'port-53', port: 53, targetPort: 53, protocol: 'UDP' },
    { name: 'port-8888', port: 8888, targetPort: 8888, protocol: 'TCP' },
  ]);
  const [, dns, web] = spec!.ports!.map(({ nodePort }) => nodePort);
  expect(placed.json.endpoints).toEqual([
    { name: 'port-53', port: 53, protocol: 'udp', host, host_port: dns },
    {
      ...{ name: 'jupyter', port: 8888, protocol: 'http', host, host_port: web },
      url: `http://${host}:${web}/lab?token=${token}`,
    },
  ]);
  expect((await policyOf(of))!.spec).toMatchObject({
    podSelector: { matchLabels: { 'worldland.io/job-id': jobId } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 8888, protocol: 'TCP' },
        ],
      },
    ],
  });

  const { core } = world.kubernetes;
  const secret = await core.readNamespacedSecret(at(of));
  expect(Buffer.from(secret.data!['env.JUPYTER_TOKEN']!, 'base64').toString()).toBe(token);
  const pod = await core.readNamespacedPod(at(of));
  expect(pod.spec!.containers[0]!.env).toContainEqual({
    name: 'JUPYTER_TOKEN',
    valueFrom: { secretKeyRef: { name: jobObjectName(jobId!), key: 'env.JUPYTER_TOKEN' } },
  });
  await session.request('DELETE', `/api/v1/jobs/${jobId}`, undefined, { prefer: 'wait=60' });
  const histories = await exportHistories(world.temporal.client);
  expect(Object.keys(histories).some((name) => name.startsWith(jobWorkflowId(jobId!)))).toBe(true);
  const { rows } = await world.database.pool.query<{ row: string }>(
    'select row_to_json(j)::text as row from jobs j where job_id = $1',
    [jobId],
  );
  const texts = { pod: JSON.stringify(pod), row: rows[0]!.row, log: api.logged.join('\n'), ...histories };
  expect(findSecrets(texts, { token: token! })).toEqual([]);
  expect([await serviceOf(of), await policyOf(of)]).toEqual([undefined, undefined]);
});

test('an attempt that is repeated finds the ports of the first one, and a job that moves gets them anew', async () => {
  const [one, two] = [await world.provider(), await world.provider()];
  const order = await world.order({ providerId: one, ports });
  const place = await world.activities.placeJob(order);
  const first = await carryOut(world.activities.provisionJob, order, place);
  expect(first.ssh.opened!.map(({ port }) => port)).toEqual([8888, 53]);
  expect((await carryOut(world.activities.provisionJob, order, place)).ssh).toEqual(first.ssh);

  await carryOut(world.activities.teardownJob, order, place);
  expect(await serviceOf(order)).toBeUndefined();
  await world.database.pool.query('update allocations set provider_id = $2 where job_id = $1', [order.jobId, two]);
  const moved = await carryOut(world.activities.provisionJob, order, { ...place, providerId: two, nodeName: two });
  expect(moved.ssh.opened!.map(({ port }) => port)).toEqual([8888, 53]);
  await carryOut(world.activities.teardownJob, order);
  expect(await serviceOf(order)).toBeUndefined();
});

test('a job that runs keeps its endpoints while it is extended, and over a restart of the worker', async () => {
  const order = await world.order({ providerId: await world.provider(), ports, durationSeconds: 600 });
  expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({ status: 'running' });
  const { opened } = (await world.job(order)).ssh!;
  expect(opened).toHaveLength(2);
  await world.restart();
  await world.commands.extend(order.jobId, 'longer', 60);
  expect((await world.job(order)).ssh!.opened).toEqual(opened);
  await world.commands.cancel(order.jobId, order.wallet, decidedWithinMs);
  expect(await serviceOf(order)).toBeUndefined();
});
