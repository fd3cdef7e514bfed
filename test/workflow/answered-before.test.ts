import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { registrationMessage } from '../../engines/simulated-provider/messages.js';
import { startSimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { announceAnswerer, handOver } from '../../src/db/answer-desk.js';
import { newTokenId, reserveJoinToken } from '../../src/db/join-tokens.js';
import { admitNode } from '../../src/db/node-admission.js';
import { keepRegistration } from '../../src/db/registrations.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { registrationSchema } from '../../src/domain/registration.js';
import { createBootstrapToken, newTokenSecret } from '../../src/kubernetes/bootstrap-tokens.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { clusterInfo } from '../../src/kubernetes/cluster-info.js';
import { startRelay } from '../../src/roles/relay/relay.js';
import { tellWorkflows, usualTellingPace } from '../../src/roles/relay/tell-workflows.js';
import { answerRegistrations } from '../../src/roles/worker/registrations.js';
import { createProviderSignals } from '../../src/temporal/providers.js';
import type { RegistrationReply } from '../../src/wire/join-answer.js';
import { responseStream, streams } from '../../src/wire/streams.js';
import { providerState, type ProviderState } from '../../workflows/provider-messages.js';
import { createReconciledWorld, type ReconciledWorld } from '../support/reconciled-world.js';
import { trusting } from '../support/relay.js';
import { until } from '../support/until.js';

const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
let world: ReconciledWorld;
const told: string[] = [];
beforeAll(async () => {
  world = await createReconciledWorld({ PROVIDER_AUTH_MODE: 'off' });
});
afterAll(async () => {
  for (const providerId of told) {
    const workflow = world.temporal.client.workflow.getHandle(providerWorkflowId(providerId));
    await workflow.terminate('a test').catch(() => undefined);
  }
  await world.close();
});

const signals = () => createProviderSignals(world.temporal.client, world.config);
function openDesk() {
  const { config, database, account } = world;
  return answerRegistrations({
    ...{ config, pool: database.pool, redis: world.redis.asBroker(), kubernetes: account, logger },
    clusterInfo: clusterInfo(account, config),
  });
}
const isOpen = () =>
  until(
    async () => {
      const { rowCount } = await world.database.pool.query(
        `select from registration_answerers where name <> 'a test' and seen_at > now() - interval '3 seconds'`,
      );
      return rowCount! > 0;
    },
    { name: 'a worker answers registrations' },
  );
function openRelay() {
  return startRelay({
    ...{ config: world.config, pool: world.database.pool, temporal: world.temporal.client, logger, verifier: trusting },
    redisDb: world.redis.db,
  });
}

/** The join commands that have come for an agent since it last looked. */
async function takenBy(providerId: string): Promise<string[]> {
  const { redis } = world.redis;
  const stream = responseStream(providerId);
  const read = (await redis.xreadgroup(
    ...(['GROUP', 'agent', 'agent', 'COUNT', 10, 'STREAMS', stream, '>'] as const),
  )) as [string, [string, string[]][]][] | null;
  const entries = read?.[0]?.[1] ?? [];
  if (entries.length > 0) await redis.xack(stream, 'agent', ...entries.map(([id]) => id));
  return entries.map(([, fields]) => {
    const reply = JSON.parse(fields[fields.indexOf('data') + 1]!) as RegistrationReply;
    return reply.join_token ?? JSON.stringify(reply);
  });
}

/** A registration that the relay has handed over, and an agent that listens for its answer. */
async function registers() {
  const { pool } = world.database;
  const providerId = `early-${randomUUID().slice(0, 8)}`;
  told.push(providerId);
  await world.redis.redis.xgroup('CREATE', responseStream(providerId), 'agent', '$', 'MKSTREAM');
  const registration = registrationSchema.parse(registrationMessage(simulatedMachine({ providerId })));
  const messageId = `${streams.registration}/1-0/${providerId}`;
  const message = { messageId, providerId, registration, wallet: registration.walletAddr!, signed: false };
  await keepRegistration(pool, { ...message, receivedAt: new Date(), placeInMs: 0 });
  await announceAnswerer(pool, 'a test');
  expect(await handOver(pool, messageId)).toBe(true);
  return {
    providerId,
    messageId,
    takes: () => takenBy(providerId),
    isAnswered: () =>
      until(
        async () => {
          const { rows } = await pool.query<{ answer: unknown }>(
            'select answer from provider_registrations where message_id = $1',
            [messageId],
          );
          return rows[0]!.answer ?? undefined;
        },
        { timeoutMs: 30_000, name: 'the registration is answered' },
      ),
    isTold: () =>
      until(
        async () => {
          const { rows } = await pool.query<{ told: boolean }>(
            'select signalled_at is not null as told from provider_registrations where message_id = $1',
            [messageId],
          );
          return rows[0]!.told;
        },
        { timeoutMs: 30_000, name: 'its workflow is told' },
      ),
  };
}

const tokensOf = async (providerId: string) => {
  const { rows } = await world.database.pool.query<{ token_id: string }>(
    'select token_id from join_tokens where provider_id = $1',
    [providerId],
  );
  return rows.map(({ token_id }) => token_id);
};
const workflowOf = (providerId: string) => world.temporal.client.workflow.getHandle(providerWorkflowId(providerId));
const stateOf = async (providerId: string): Promise<ProviderState> =>
  await workflowOf(providerId).query<ProviderState>(providerState.name);
/** What its workflow was told, and which steps it took. */
async function historyOf(providerId: string): Promise<string[]> {
  const { events } = await workflowOf(providerId).fetchHistory();
  return events!.flatMap(
    ({ workflowExecutionSignaledEventAttributes: signal, activityTaskScheduledEventAttributes: step }) =>
      signal?.signalName ?? step?.activityType?.name ?? [],
  );
}
const secretOf = (tokenId: string) =>
  unlessNotFound(
    world.kubernetes.core.readNamespacedSecret({ name: `bootstrap-token-${tokenId}`, namespace: 'kube-system' }),
  );
/** Tokens in the cluster that were made since then and that no provider was given. */
async function nobodysTokens(since: Date): Promise<string[]> {
  const { items } = await world.kubernetes.core.listNamespacedSecret({
    ...{ namespace: 'kube-system', fieldSelector: 'type=bootstrap.kubernetes.io/token' },
  });
  const ahead = items.flatMap(({ metadata }) => {
    const isNew = metadata!.creationTimestamp!.getTime() >= Math.floor(since.getTime() / 1_000) * 1_000;
    return metadata!.labels === undefined && isNew ? [metadata!.name!.slice('bootstrap-token-'.length)] : [];
  });
  const { rows } = await world.database.pool.query<{ token_id: string }>('select token_id from join_tokens');
  const known = new Set(rows.map(({ token_id }) => token_id));
  return ahead.filter((id) => !known.has(id));
}

describe('a registration that is answered before its workflow is told', () => {
  test('a storm of machines: each gets one join command, its workflow waits for that, and nothing is left', async () => {
    const began = new Date();
    const [desk, relay] = [openDesk(), openRelay()];
    const ids = Array.from({ length: 60 }, () => `storm-${randomUUID().slice(0, 8)}`);
    told.push(...ids);
    const { redis } = world.redis;
    for (const id of ids) await redis.xgroup('CREATE', responseStream(id), 'agent', '$', 'MKSTREAM');
    await isOpen();
    const asking = redis.pipeline();
    for (const providerId of ids) {
      const data = JSON.stringify(registrationMessage(simulatedMachine({ providerId })));
      asking.xadd(streams.registration, '*', 'data', data, 'timestamp', new Date().toISOString());
    }
    await asking.exec();
    const answers = new Map<string, string[]>();
    const take = async () => {
      for (const id of ids) {
        const taken = await takenBy(id);
        if (taken.length > 0) answers.set(id, [...(answers.get(id) ?? []), ...taken]);
      }
      return answers.size === ids.length;
    };
    await until(take, { timeoutMs: 60_000, name: 'all machines have an answer' });
    for (const id of ids) {
      await until(async () => (await stateOf(id).catch(() => undefined))?.waitingFor.includes('to join with token'), {
        timeoutMs: 60_000,
        name: 'each workflow waits for its node',
      });
    }
    await take();
    const tokens = [...answers.values()].flat();
    expect(tokens).toHaveLength(ids.length);
    expect(new Set(tokens).size).toBe(ids.length);
    for (const id of ids) {
      expect(await historyOf(id)).not.toContain('answerRegistration');
      expect(answers.get(id)![0]).toContain(`${(await tokensOf(id))[0]}.`);
    }
    await relay.stop();
    await desk.stop();
    expect(await nobodysTokens(began)).toEqual([]);
  }, 240_000);

  test('a machine joins with it, although its certificate may be asked for before the workflow is told', async () => {
    const [desk, relay] = [openDesk(), openRelay()];
    const providerId = `joins-${randomUUID().slice(0, 8)}`;
    told.push(providerId);
    const { REDIS_HOST, REDIS_PORT } = world.config;
    const redisUrl = `redis://${REDIS_HOST}:${REDIS_PORT}/${world.redis.db}`;
    await isOpen();
    const machine = startSimulatedProvider({ redisUrl, providerId, heartbeatIntervalMs: 1_000 });
    try {
      const { nodeName } = await machine.joined;
      world.atEnd(() => unlessNotFound(world.kubernetes.core.deleteNode({ name: nodeName })));
      await until(async () => (await stateOf(providerId)).status === 'available', {
        timeoutMs: 60_000,
        name: 'the provider is in service',
      });
      expect(await historyOf(providerId)).not.toContain('answerRegistration');
    } finally {
      await machine.stop();
      await relay.stop();
      await desk.stop();
    }
  }, 180_000);

  test('a worker that is killed before it has written the answer down gives the same one', async () => {
    const machine = await registers();
    const first = openDesk();
    await machine.isAnswered();
    await first.stop();
    const [token] = await machine.takes();
    // As if it had died between the two.
    await world.database.pool.query(
      'update provider_registrations set answer = null, held_until = null where message_id = $1',
      [machine.messageId],
    );
    const second = openDesk();
    await machine.isAnswered();
    await second.stop();
    expect(new Set([token, ...(await machine.takes())])).toEqual(new Set([token]));
    expect(await tokensOf(machine.providerId)).toHaveLength(1);
  }, 120_000);

  test('a worker that is killed with a token made ahead in its hands leaves one that the next can give', async () => {
    const machine = await registers();
    const { pool } = world.database;
    const { providerId, messageId } = machine;
    const [madeAt, expiresAt] = [new Date(), new Date(Date.now() + 600_000)];
    const ahead = { tokenId: newTokenId(), secret: newTokenSecret(), madeAt, expiresAt };
    await createBootstrapToken(world.account, { id: ahead.tokenId, secret: ahead.secret, expiresAt });
    // It had given the token to the registration, and not kept the secret half.
    await pool.query(
      `insert into providers (provider_id, wallet_addr, spec, capacity, offer, registration_at)
       values ($1, '0x0', '{}', '{}', '{"gpus": []}', 'epoch')`,
      [providerId],
    );
    const { nodeName } = await admitNode(pool, { providerId, messageId: `${messageId}#0`, signed: false });
    await reserveJoinToken(pool, { providerId, messageId: `${messageId}#0`, nodeName, ttlS: 600, ahead });
    const desk = openDesk();
    await machine.isAnswered();
    await desk.stop();
    const [token] = await machine.takes();
    const [tokenId, secret] = token!.split('.');
    expect(tokenId).toBe(ahead.tokenId);
    expect(secret).not.toBe(ahead.secret);
    const inCluster = (await secretOf(tokenId!))!.data!['token-secret']!;
    expect(Buffer.from(inCluster, 'base64').toString()).toBe(secret);
  }, 120_000);

  test('a relay that is killed after a signal tells again, and the workflow follows the answer once', async () => {
    const machine = await registers();
    const desk = openDesk();
    await machine.isAnswered();
    await desk.stop();
    let calls = 0;
    const relay = tellWorkflows(
      {
        pool: world.database.pool,
        logger,
        signals: {
          async registrationReceived(...told) {
            await signals().registrationReceived(...told);
            if (++calls === 1) throw new Error('killed');
          },
        },
      },
      { ...usualTellingPace, failedS: 0 },
    );
    await machine.isTold();
    await relay.stop();
    await until(async () => (await stateOf(machine.providerId)).waitingFor.includes('to join with token'));
    // The first signal may have got it there.
    const history = await until(async () => {
      const names = await historyOf(machine.providerId);
      return names.filter((name) => name === 'registrationReceived').length === 2 && names;
    });
    expect(history).not.toContain('answerRegistration');
    expect(await tokensOf(machine.providerId)).toHaveLength(1);
  }, 120_000);

  test('if no worker answers in time, the workflow does', async () => {
    const machine = await registers();
    await world.database.pool.query(
      `with gone as (delete from registration_answerers)
       update provider_registrations set handed_over_at = now() - interval '46 seconds' where message_id = $1`,
      [machine.messageId],
    );
    const relay = tellWorkflows({ pool: world.database.pool, logger, signals: signals() });
    await machine.isTold();
    await relay.stop();
    const tokens = await until(
      async () => {
        const taken = await machine.takes();
        return taken.length > 0 ? taken : undefined;
      },
      { timeoutMs: 60_000, name: 'the workflow answers' },
    );
    expect(tokens).toHaveLength(1);
    expect(await historyOf(machine.providerId)).toContain('answerRegistration');
  }, 120_000);

  test('without a relay the reconciler tells the workflow, and does not start one that nobody needs', async () => {
    const machine = await registers();
    const desk = openDesk();
    await machine.isAnswered();
    await desk.stop();
    const age = (seconds: number) =>
      world.database.pool.query(
        `update provider_registrations set handed_over_at = now() - make_interval(secs => $2), held_until = null
          where message_id = $1`,
        [machine.messageId, seconds],
      );
    await age(100);
    expect(await world.repairs()).toEqual({});
    await age(1_000);
    expect(await world.repairs()).toEqual({ registration_untold: 1 });
    await until(async () => (await stateOf(machine.providerId)).waitingFor.includes('to join with token'));
    expect(await world.repairs()).toEqual({});
  }, 180_000);
});
