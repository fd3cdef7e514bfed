import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { authorizeNodeKey } from '../../src/provider-agent/signer.js';
import { SigningClock } from '../../src/provider-agent/signing-clock.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { heartbeatMessage, registrationMessage } from '../../engines/simulated-provider/messages.js';
import type { BrokerLink } from '../../src/provider-agent/broker-link.js';
import { openHttpsLink } from '../../src/provider-agent/https-link.js';
import { openRedisLink } from '../../src/provider-agent/redis-link.js';
import { createRegistration } from '../../src/provider-agent/registration.js';
import { askForKeys, createTrust } from '../../src/provider-agent/trust.js';
import { audience, newWallet } from '../support/api.js';
import {
  chainId,
  createFrontier,
  httpsProvider,
  type ApiUnderTest,
  type Frontier,
} from '../support/https-providers.js';
import { until } from '../support/until.js';
import { readDelegation } from '../../src/wire/node-key-delegation.js';

const hourMs = 3_600_000;

let frontier: Frontier;
let api: ApiUnderTest;
const opened: BrokerLink[] = [];
const folder = mkdtempSync(join(tmpdir(), 'provider-links-'));

beforeAll(async () => {
  frontier = await createFrontier();
  api = await frontier.apiIn('required');
}, 120_000);
afterAll(async () => {
  for (const link of opened) link.close();
  rmSync(folder, { recursive: true });
  await frontier.close();
}, 60_000);

type Way = 'HTTPS' | 'Redis';

/** A machine whose owner has signed, and the programs that run on it one after the other. */
async function newMachine() {
  const [wallet, nodeKey] = [newWallet(), newWallet()];
  const { providerId } = httpsProvider();
  const machine = simulatedMachine({ providerId, wallet: wallet.address, address: '198.18.0.9' });
  const signedFor = { providerId, nodeKey: nodeKey.address, audience, chainId };
  const authorization = await authorizeNodeKey(wallet, signedFor);
  const delegation = { authorization, message: readDelegation(authorization.reg)! };
  return {
    providerId,
    /** A program that is started while the machine's clock is off. */
    program(way: Way, off: number | (() => number), user = '') {
      const said: string[] = [];
      const say = (line: string) => said.push(line);
      const clock = new SigningClock(() => Date.now() + (typeof off === 'number' ? off : off()));
      const trust = createTrust({
        ...{ providerId, audience, file: join(folder, `${providerId}.json`), say },
        ask: () => askForKeys(api.url),
      });
      const options = { nodeKey, delegation, clock, trust, say, signal: new AbortController().signal };
      const { config, db } = frontier.world.redis;
      const url = `redis://${user}${config.REDIS_HOST}:${config.REDIS_PORT}/${db}`;
      const link = way === 'HTTPS' ? openHttpsLink({ ...options, api: api.url }) : openRedisLink({ ...options, url });
      opened.push(link);
      return {
        said,
        clock,
        send: (kind: 'registration' | 'heartbeat' | 'capacity') =>
          link.send(kind, { ...registrationMessage(machine), ...heartbeatMessage(machine, providerId) }),
        register: () =>
          createRegistration(link, providerId, say).submit((encKey) => ({
            ...registrationMessage(machine),
            enc_key: encKey,
          })),
        link,
      };
    },
    /** The last number of each kind that the broker has taken. */
    async taken() {
      const { rows } = await frontier.world.database.pool.query(
        'select registration_seq, capacity_seq, heartbeat_seq from provider_identities where provider_id = $1',
        [providerId],
      );
      const { registration_seq: registration, capacity_seq: capacity, heartbeat_seq: heartbeat } = rows[0] ?? {};
      return { registration: Number(registration), capacity: Number(capacity), heartbeat: Number(heartbeat) };
    },
    /** As an earlier broker left it that believed whatever number a key signed. */
    async leave(seq: number, entryId: string) {
      await frontier.world.database.pool.query(
        `update provider_identities
            set registration_seq = $2, registration_entry = $3, capacity_seq = $2, capacity_entry = $3,
                heartbeat_seq = $2, heartbeat_entry = $3, responses_seq = $2, responses_entry = $3
          where provider_id = $1`,
        [providerId, seq, entryId],
      );
    },
  };
}
type Machine = Awaited<ReturnType<typeof newMachine>>;

const isNow = (ms: number) => Math.abs(ms - Date.now()) < 60_000;
const takes = async (machine: Machine, kind: 'registration' | 'heartbeat' | 'capacity', after = 0) =>
  until(
    async () => {
      const { [kind]: seq } = await machine.taken();
      return seq > after && seq;
    },
    { everyMs: 50, name: `a ${kind} that is taken` },
  );

test.each([
  ['HTTPS', 9],
  ['HTTPS', -9],
  ['Redis', 9],
  ['Redis', -9],
] as const)(
  'over %s a machine whose clock is %i hours off is heard at once, and again after its clock was set and its agent restarted',
  async (way, hours) => {
    const machine = await newMachine();
    const wrong = machine.program(way, hours * hourMs);
    expect(await wrong.register()).toMatchObject({ success: true });
    const [, offS] = /this machine's clock is off by (-?\d+) s/.exec(wrong.said.join()) ?? [];
    // The answer that tells the time takes some itself.
    expect(Math.abs(Number(offS) - hours * 3_600)).toBeLessThan(60);
    for (const kind of ['heartbeat', 'capacity'] as const) await wrong.send(kind);
    const before = {
      registration: await takes(machine, 'registration'),
      heartbeat: await takes(machine, 'heartbeat'),
      capacity: await takes(machine, 'capacity'),
    };
    for (const seq of Object.values(before)) expect(isNow(seq)).toBe(true);

    const right = machine.program(way, 0);
    expect(await right.register()).toMatchObject({ success: true });
    for (const kind of ['heartbeat', 'capacity'] as const) await right.send(kind);
    for (const kind of ['registration', 'heartbeat', 'capacity'] as const) await takes(machine, kind, before[kind]);
    expect(right.said.join()).not.toContain('clock');
  },
);

test.each(['HTTPS', 'Redis'] as const)(
  'over %s a machine is heard at once although an earlier broker took numbers from a wrong clock',
  async (way) => {
    const machine = await newMachine();
    await machine.program(way, 0).register();
    await takes(machine, 'registration');
    const long = Date.now() - hourMs;
    await machine.leave(long + 9 * hourMs, `${long}-0`);
    const program = machine.program(way, 0);
    expect(await program.register()).toMatchObject({ success: true });
    for (const kind of ['heartbeat', 'capacity'] as const) await program.send(kind);
    await until(async () => Object.values(await machine.taken()).every(isNow), { everyMs: 50 });
  },
);

test('over HTTPS an agent whose numbers are too low continues from the ones that the broker names, message by message', async () => {
  const machine = await newMachine();
  const program = machine.program('HTTPS', 0);
  await program.register();
  await takes(machine, 'registration');
  const ahead = Date.now() + 100_000;
  await machine.leave(ahead, `${Date.now()}-0`);
  const again = machine.program('HTTPS', 0);
  for (const kind of ['heartbeat', 'capacity', 'registration'] as const) {
    await again.send(kind);
    await takes(machine, kind, ahead);
  }
  await again.link.listen();
  expect(await again.register()).toMatchObject({ success: true });
});

test('over Redis a registration whose number is too low is answered with the number to continue from', async () => {
  const machine = await newMachine();
  await machine.program('Redis', 0).register();
  await takes(machine, 'registration');
  const ahead = Date.now() + 100_000;
  await machine.leave(ahead, `${Date.now()}-0`);
  const again = machine.program('Redis', 0);
  await expect(again.register()).rejects.toThrow(/seq must be higher/);
  // Not a rejection: that would be waited out for minutes.
  expect(await until(() => again.register().catch(() => false), { everyMs: 500 })).toMatchObject({ success: true });
  await takes(machine, 'registration', ahead);
});

test.each(['HTTPS', 'Redis'] as const)(
  'over %s a clock that jumps forwards and back while the agent runs disturbs no message',
  async (way) => {
    const machine = await newMachine();
    let offMs = 0;
    const program = machine.program(way, () => offMs);
    await program.register();
    let last = 0;
    for (offMs of [9 * hourMs, -9 * hourMs, 0]) {
      await program.send('heartbeat');
      last = await takes(machine, 'heartbeat', last);
      expect(isNow(last)).toBe(true);
    }
  },
);

test('over HTTPS an agent that slept takes the time again, and is heard at once', async () => {
  const machine = await newMachine();
  const program = machine.program('HTTPS', 0);
  await program.register();
  const before = await takes(machine, 'registration');
  program.clock.set(Date.now() - 8 * hourMs);
  await program.send('heartbeat');
  expect(isNow(await takes(machine, 'heartbeat'))).toBe(true);
  expect(await program.register()).toMatchObject({ success: true });
  await takes(machine, 'registration', before);
});

test('over Redis an agent whose user may not ask for the time says so, and uses the clock of the machine', async () => {
  const { redis } = frontier.world.redis;
  const machine = await newMachine();
  const user = `clock-${machine.providerId}`;
  await redis.call('ACL', 'SETUSER', user, 'on', 'nopass', '~*', '&*', '+@all', '-time');
  try {
    const program = machine.program('Redis', 0, `${user}:any@`);
    expect(await program.register()).toMatchObject({ success: true });
    expect(program.said.filter((line) => line.includes('+time'))).toHaveLength(1);
  } finally {
    for (const link of opened) link.close();
    await redis.call('ACL', 'DELUSER', user);
  }
});
