import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { registrationMessage } from '../../engines/simulated-provider/messages.js';
import { keepRegistration } from '../../src/db/registrations.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { registrationSchema } from '../../src/domain/registration.js';
import { labels } from '../../src/kubernetes/names.js';
import { keptSecretKey } from '../../src/redis/keys.js';
import { createProviderSignals } from '../../src/temporal/providers.js';
import type { RegistrationReply } from '../../src/wire/join-answer.js';
import { responseStream, streams } from '../../src/wire/streams.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { until } from '../support/until.js';

let world: FleetWorld;
const providers: string[] = [];
beforeAll(async () => {
  world = await createFleetWorld({ PROVIDER_AUTH_MODE: 'off' });
});
afterAll(async () => {
  for (const providerId of providers) {
    await world.temporal.client.workflow.getHandle(providerWorkflowId(providerId)).terminate('a test');
  }
  await world.close();
});

/** A provider that listens for its answers, as a public agent does. */
async function agent() {
  const providerId = `again-${randomUUID().slice(0, 8)}`;
  providers.push(providerId);
  const { redis } = world.redis;
  const stream = responseStream(providerId);
  await redis.xgroup('CREATE', stream, 'agent-group', '$', 'MKSTREAM');
  const { registrationReceived } = createProviderSignals(world.temporal.client, world.config);
  let sent = 0;

  /** How many registrations its workflow has answered. */
  async function answered(): Promise<number> {
    const { events } = await world.temporal.client.workflow.getHandle(providerWorkflowId(providerId)).fetchHistory();
    const asked = events!.flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) =>
      scheduled?.activityType?.name === 'answerRegistration' ? [String(eventId)] : [],
    );
    return events!.filter(({ activityTaskCompletedEventAttributes: completed }) =>
      asked.includes(String(completed?.scheduledEventId)),
    ).length;
  }

  return {
    providerId,
    /** Its next registration reaches its workflow. @param receivedAt when it came. */
    async registers(receivedAt = new Date()): Promise<void> {
      sent += 1;
      const messageId = `${streams.registration}/${sent}-0/${providerId}`;
      const registration = registrationSchema.parse(registrationMessage(simulatedMachine({ providerId })));
      const wallet = registration.walletAddr!;
      const message = { messageId, providerId, registration, wallet, signed: false, receivedAt, placeInMs: 0 };
      const kept = (await keepRegistration(world.database.pool, message))!;
      await registrationReceived(providerId, kept.messageId, { sender: kept.sender });
    },
    /** The answers that have come since it last looked. */
    async takes(): Promise<RegistrationReply[]> {
      const read = (await redis.xreadgroup(
        ...(['GROUP', 'agent-group', 'agent-1', 'COUNT', 10, 'STREAMS', stream, '>'] as const),
      )) as [string, [string, string[]][]][] | null;
      const entries = read?.[0]?.[1] ?? [];
      if (entries.length > 0) await redis.xack(stream, 'agent-group', ...entries.map(([id]) => id));
      return entries.map(([, fields]) => JSON.parse(fields[fields.indexOf('data') + 1]!) as RegistrationReply);
    },
    isAnswered: (times: number) =>
      until(async () => (await answered()) === times, { timeoutMs: 60_000, name: `it is answered ${times} times` }),
    async rows() {
      const { rows } = await world.database.pool.query<{ token_id: string; delivered_at: Date | null }>(
        'select token_id, delivered_at from join_tokens where provider_id = $1 order by created_at',
        [providerId],
      );
      return rows;
    },
    async secrets(): Promise<string[]> {
      const selector = { namespace: 'kube-system', labelSelector: `${labels.providerId}=${providerId}` };
      const { items } = await world.kubernetes.core.listNamespacedSecret(selector);
      return items.map(({ metadata }) => metadata!.name!);
    },
  };
}

type Agent = Awaited<ReturnType<typeof agent>>;
const takesOne = (one: Agent) =>
  until(async () => (await one.takes())[0], { timeoutMs: 60_000, name: 'an answer comes' });
const isDelivered = (one: Agent) =>
  until(async () => (await one.rows()).at(-1)?.delivered_at ?? undefined, { timeoutMs: 60_000 });

test('a provider that asks again while its answer waits for it is made no other', async () => {
  const one = await agent();
  await one.registers();
  await one.isAnswered(1);
  await one.registers();
  await one.isAnswered(2);
  const answers = await one.takes();
  const rows = await one.rows();
  expect([answers.length, rows.length]).toEqual([1, 1]);
  const tokenId = rows[0]!.token_id;
  expect(answers[0]!.join_token).toContain(`${tokenId}.`);
  expect(await one.secrets()).toEqual([`bootstrap-token-${tokenId}`]);
});

test('a registration that was sent before the answer to the one before it was made gets no answer of its own', async () => {
  const one = await agent();
  const impatient = new Date();
  await one.registers();
  await takesOne(one);
  await isDelivered(one);
  await one.registers(impatient);
  await one.isAnswered(2);
  expect(await one.takes()).toEqual([]);
  expect(await one.rows()).toHaveLength(1);
  expect(await one.secrets()).toHaveLength(1);
});

test('a provider that took its answer and asks again is given the same one, with which it may already be joining', async () => {
  const one = await agent();
  await one.registers();
  const first = await takesOne(one);
  await isDelivered(one);
  await one.registers();
  expect(await takesOne(one)).toEqual(first);
  await one.isAnswered(2);
  expect(await one.rows()).toHaveLength(1);
  expect(await one.secrets()).toHaveLength(1);
});

test('a provider whose answer Redis has lost is given another one', async () => {
  const one = await agent();
  await one.registers();
  const first = await takesOne(one);
  const [made] = await one.rows();
  await isDelivered(one);
  await world.redis.redis.unlink(keptSecretKey(made!.token_id));
  await one.registers();
  const second = await takesOne(one);
  expect(second.join_token).not.toBe(first.join_token);
  await one.isAnswered(2);
  expect(await one.rows()).toHaveLength(2);
});

test('a token that has done its work is never answered with again', async () => {
  const one = await agent();
  await one.registers();
  const first = await takesOne(one);
  await isDelivered(one);
  const [made] = await one.rows();
  await world.database.pool.query('update join_tokens set used_at = now() where token_id = $1', [made!.token_id]);
  await one.registers();
  expect((await takesOne(one)).join_token).not.toBe(first.join_token);
  await one.isAnswered(2);
  expect(await one.secrets()).not.toContain(`bootstrap-token-${made!.token_id}`);
});
