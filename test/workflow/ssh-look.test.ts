import { randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silent } from '../../engines/log.js';
import { answerJobs, loopbackAddress, type AnswerAt } from '../../engines/simulated-provider/answering.js';
import { greetAt } from '../../engines/simulated-provider/ssh-greeter.js';
import { movesOf } from '../../src/db/allocations.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { newSshHostKey } from '../../src/kubernetes/ssh-host-key.js';
import type { JobOrder } from '../../src/domain/job.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { decidedWithinMs } from '../support/until.js';

let world: FleetWorld;
const answering: { stop(): void }[] = [];
beforeAll(async () => {
  world = await createFleetWorld({ SSH_PROBE: true, SSH_PROBE_TIMEOUT_S: 4, JOB_START_TIMEOUT_S: 60 });
});
afterAll(async () => {
  for (const each of answering) each.stop();
  await world.close();
});

/** A machine at a loopback address of its own, at which this answers; nothing does without it. */
async function machine(gpus: { model: string; count: number }, gpuPrice: number, answerAt?: AnswerAt) {
  const { config, core } = world.kubernetes;
  const providerId = await world.joined({ gpus, gpuPrice });
  const address = loopbackAddress(providerId, randomUUID());
  const addresses = [{ type: 'InternalIP', address }];
  await core.patchNodeStatus({ name: providerId, body: { status: { addresses } } }, mergePatch);
  if (answerAt !== undefined) {
    const [cluster, user] = [config.getCurrentCluster()!, config.getCurrentUser()!];
    const text = (base64 = '') => Buffer.from(base64, 'base64').toString();
    const access = {
      server: cluster.server,
      ca: text(cluster.caData),
      ...{ certificate: text(user.certData), key: text(user.keyData), nodeName: providerId },
    };
    answering.push(answerJobs(access, address, silent, answerAt));
  }
  return { providerId, address };
}

async function start(order: JobOrder) {
  const state = await world.commands.startAndWait(order, decidedWithinMs);
  if (state === 'still_starting') throw new Error('still starting');
  return state;
}

const newModel = () => `Type ${randomUUID().slice(0, 8)}`;
const typeOf = (model: string) => model.toLowerCase().replace(' ', '-');

test('a job runs once the broker has seen its own key at its SSH port', async () => {
  const model = newModel();
  const { providerId, address } = await machine({ model, count: 4 }, 0.5, greetAt);
  const order = await world.order({ gpuType: typeOf(model) });
  expect(await start(order)).toMatchObject({
    status: 'running',
    placement: { providerId },
    ssh: { host: address },
  });
});

const hanging: AnswerAt = (host, port) =>
  listening(host, port, (socket) => void socket.write('SSH-2.0-OpenSSH_9.9\r\n'));
const endless: AnswerAt = (host, port) =>
  listening(host, port, (socket) => {
    const more = () => void (socket.write('welcome\r\n'.repeat(1_000)) && setImmediate(more));
    socket.on('drain', more);
    more();
  });
const slow: AnswerAt = (host, port) =>
  listening(host, port, (socket) => {
    const dripping = setInterval(() => socket.write('S'), 50);
    socket.on('close', () => clearInterval(dripping));
  });

test.each<[string, AnswerAt | undefined, string]>([
  ['does not answer', undefined, 'the connection is refused'],
  ['answers with another key', (host, port) => greetAt(host, port, newSshHostKey()), 'something else answers there'],
  ['hangs after its banner', hanging, 'it does not speak SSH in time'],
  [
    'sends a banner without an end',
    endless,
    '(?:it sends too much before it speaks SSH|it does not speak SSH as jobs do)',
  ],
  ['drips its banner', slow, 'it does not speak SSH in time'],
])('a machine whose port %s is left, unpaid, with the reason held against it', async (_, answerAt, why) => {
  const model = newModel();
  const bad = await machine({ model, count: 4 }, 0.25, answerAt);
  const good = await machine({ model, count: 4 }, 0.5, greetAt);
  const order = await world.order({ gpuType: typeOf(model) });
  expect(await start(order)).toMatchObject({ status: 'running', placement: { providerId: good.providerId } });
  expect(await movesOf(world.database.pool, order.jobId)).toEqual({ attempt: 2, failedAt: [bad.providerId] });
  const { rows } = await world.database.pool.query(
    'select reason from provider_failures where provider_id = $1 and job_id = $2',
    [bad.providerId, order.jobId],
  );
  expect(rows).toEqual([{ reason: 'ports_unreachable' }]);
  expect((await world.job(order)).message).toBe('');

  const here = await world.order({ gpuType: typeOf(model), providerId: bad.providerId });
  const { failure } = await start(here);
  expect(failure).toEqual({
    reason: 'ports_unreachable',
    message: expect.stringMatching(
      new RegExp(`^its ports are not reachable at ${bad.address.replaceAll('.', '\\.')}:\\d+: ${why}$`),
    ),
  });
  expect(await world.heldBy(here)).toEqual({
    allocation: false,
    pod: false,
    service: false,
    secret: false,
    reserved: '0',
  });
  expect((await world.job(here)).startedAt).toBeUndefined();
});

test('a machine at which three customers found nothing is out, and its owner reads why', async () => {
  const model = newModel();
  const { providerId, address } = await machine({ model, count: 4 }, 0.25);
  for (let count = 1; count <= 3; count++) await start(await world.order({ gpuType: typeOf(model) }));
  const { outReason } = await world.row(providerId);
  expect(outReason).toMatch(/^its ports are not reachable at 127\.[\d.]+:\d+: the connection is refused$/);
  expect(outReason).toContain(address);
});

async function listening(host: string, port: number, answer: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    answer(socket);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
