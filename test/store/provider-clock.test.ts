import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { authorizeNodeKey } from '../../src/provider-agent/signer.js';
import { createProviderVerifier } from '../../src/auth/providers/identity.js';
import { createRecover } from '../../src/auth/recover.js';
import { SigningClock } from '../../src/provider-agent/signing-clock.js';
import type { ProviderEntry, ProviderVerdict } from '../../src/domain/provider-verdict.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { canonicalEntry } from '../../src/wire/entry-signature.js';

const audience = 'https://broker.example.com';
const chainId = 103;
const hourMs = 3_600_000;
const kinds = ['registration', 'capacity', 'heartbeat'] as const;
type Kind = (typeof kinds)[number];

let database: TestDatabase;
/** The broker's clock, in Unix milliseconds. */
let clockMs = Date.now();
let entries = 0;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const account = () => privateKeyToAccount(generatePrivateKey());
const verifier = () =>
  createProviderVerifier({
    config: { AUTH_AUDIENCE: audience, AUTH_CHAIN_IDS: [chainId], PROVIDER_AUTH_MODE: 'required' },
    pool: database.pool,
    recover: createRecover(),
    now: () => clockMs,
  });

/** The time and number of a message, by the broker's clock by default. */
interface Given {
  seq?: number;
  tsMs?: number;
  delegated?: boolean;
  key?: PrivateKeyAccount;
}

/** A provider that chooses the time and number of each message itself. */
function newProvider() {
  const [providerId, wallet, nodeKey] = [`p-${randomBytes(6).toString('hex')}`, account(), account()];
  const message = async (
    kind: Kind,
    { seq = clockMs, tsMs = clockMs, delegated = false, key = nodeKey }: Given = {},
  ): Promise<ProviderEntry> => {
    const data = JSON.stringify({ provider_id: providerId, wallet_addr: wallet.address, status: 'available' });
    const stream = `provider:${kind}`;
    const signed = { audience, stream, providerId, seq: String(seq), ts: String(Math.floor(tsMs / 1_000)), data };
    const authorization = delegated
      ? await authorizeNodeKey(wallet, { providerId, nodeKey: key.address, audience, chainId, nowMs: clockMs })
      : {};
    const sig = await key.signMessage({ message: canonicalEntry(signed) });
    const fields = { data, v: '1', key: key.address, seq: signed.seq, ts: signed.ts, sig, ...authorization };
    return { stream, providerId, fields, id: entryNow() };
  };
  return {
    providerId,
    nodeKey,
    message,
    send: async (kind: Kind, given?: Given) => verifier().verify(await message(kind, given)),
  };
}
type Provider = ReturnType<typeof newProvider>;

const entryNow = () => `${clockMs}-${entries++}`;
/** Replays a recorded message. */
const again = (entry: ProviderEntry) => verifier().verify({ ...entry, id: entryNow() });
const reasonOf = (verdict: ProviderVerdict) => (verdict.accepted ? 'accepted' : verdict.reason);

/** The row that an earlier broker left, which accepted any signed number. */
async function leave({ providerId }: Provider, seq: number, entryId: string): Promise<void> {
  await database.pool.query(
    `update provider_identities set registration_seq = $2, registration_entry = $3, capacity_seq = $2, capacity_entry = $3,
                                    heartbeat_seq = $2, heartbeat_entry = $3
      where provider_id = $1`,
    [providerId, seq, entryId],
  );
}

let provider: Provider;
beforeEach(async () => {
  clockMs = Math.floor(Date.now() / 1_000) * 1_000;
  provider = newProvider();
  expect(reasonOf(await provider.send('registration', { delegated: true }))).toBe('accepted');
  clockMs += 1_000;
});

test.each(kinds)(
  'a %s whose number is hours ahead of its own time is rejected, and the next one is accepted',
  async (kind) => {
    expect(reasonOf(await provider.send(kind, { seq: clockMs + 9 * hourMs }))).toBe('sequence_ahead');
    clockMs += 1;
    expect(reasonOf(await provider.send(kind))).toBe('accepted');
  },
);

test('a registration with a delegation is rejected for a number far ahead of its time, and told why', async () => {
  const verdict = await provider.send('registration', { seq: clockMs + 9 * hourMs, delegated: true });
  expect(verdict).toMatchObject({ reason: 'sequence_ahead', tell: expect.stringContaining('ahead of ts') });
});

test('a message that was rejected for its number stays rejected when the time of that number has come', async () => {
  const early = await Promise.all(kinds.map((kind) => provider.message(kind, { seq: clockMs + 9 * hourMs })));
  clockMs += 9 * hourMs;
  for (const entry of early) {
    expect(reasonOf(await again(entry))).toBe('timestamp_skew');
    // A writer of the streams chooses ids: this one claims to have arrived when it was signed.
    const backdated = await verifier().verify({ ...entry, id: `${clockMs - 9 * hourMs}-0` });
    expect(reasonOf(backdated)).toMatch(/sequence_ahead|timestamp_skew/);
  }
});

test('a node key may number its messages from one', async () => {
  const counter = newProvider();
  expect(reasonOf(await counter.send('registration', { seq: 1, delegated: true }))).toBe('accepted');
  for (const kind of kinds) {
    expect(reasonOf(await counter.send(kind, { seq: 2 }))).toBe('accepted');
    expect(reasonOf(await counter.send(kind, { seq: 2 }))).toBe('sequence_replayed');
    expect(reasonOf(await counter.send(kind, { seq: 3 }))).toBe('accepted');
  }
});

test('numbers that an earlier broker took from a clock nine hours ahead keep no message out', async () => {
  await leave(provider, clockMs - hourMs + 9 * hourMs, `${clockMs - hourMs}-0`);
  for (const kind of kinds) {
    expect(reasonOf(await provider.send(kind))).toBe('accepted');
    expect(reasonOf(await provider.send(kind))).toBe('sequence_replayed');
    clockMs += 1;
    expect(reasonOf(await provider.send(kind))).toBe('accepted');
  }
  await leave(provider, clockMs - hourMs + 9 * hourMs, `${clockMs - hourMs}-0`);
  expect(reasonOf(await provider.send('registration', { delegated: true }))).toBe('accepted');
});

test('the largest possible number, once taken by an earlier broker, keeps no message out', async () => {
  await leave(provider, Number.MAX_SAFE_INTEGER, `${clockMs - hourMs}-0`);
  for (const kind of kinds) {
    expect(reasonOf(await provider.send(kind))).toBe('accepted');
    expect(reasonOf(await provider.send(kind, { seq: Number.MAX_SAFE_INTEGER }))).toBe('sequence_ahead');
  }
});

test('no recorded message is accepted again because an earlier number was too high', async () => {
  // An agent whose clock was ahead as far as allowed, and then nine hours ahead with a corrected time.
  const recorded: ProviderEntry[] = [];
  for (const kind of kinds) {
    const ahead = await provider.message(kind, { seq: clockMs + 419_000, tsMs: clockMs + 119_000 });
    expect(reasonOf(await verifier().verify(ahead))).toBe('accepted');
    recorded.push(ahead, await provider.message(kind, { seq: clockMs + 9 * hourMs }));
  }
  await leave(provider, clockMs + 9 * hourMs, entryNow());
  const began = clockMs;
  for (const waitedMs of [0, 100_000, 150_000, 239_000, 421_000, 9 * hourMs, 9 * hourMs + 1_000]) {
    clockMs = began + waitedMs;
    for (const entry of recorded) expect(reasonOf(await again(entry))).not.toBe('accepted');
  }
});

test('no recorded message is accepted again after the provider has continued', async () => {
  const recorded = await Promise.all(kinds.map((kind) => provider.message(kind, { seq: clockMs + 9 * hourMs })));
  await leave(provider, clockMs + 9 * hourMs, entryNow());
  clockMs += 121_000;
  for (const kind of kinds) {
    const verdict = await provider.send(kind);
    const { nextSeq } = verdict as { nextSeq: number };
    expect(reasonOf(verdict)).toBe('sequence_replayed');
    expect(reasonOf(await provider.send(kind, { seq: nextSeq }))).toBe('accepted');
  }
  for (const waitedMs of [0, 60_000, 119_000, hourMs]) {
    clockMs += waitedMs;
    for (const entry of recorded) expect(reasonOf(await again(entry))).not.toBe('accepted');
  }
});

test.each(kinds)(
  'a %s whose number is too low is told the number to continue from, which is then accepted',
  async (kind) => {
    await provider.send(kind, { seq: clockMs + 100_000 });
    for (const ask of [
      async () => verifier().verify(await provider.message(kind)),
      async () => verifier().dryRun(await provider.message(kind)),
    ])
      expect(await ask()).toMatchObject({ reason: 'sequence_replayed', nextSeq: clockMs + 100_001 });
    expect(reasonOf(await provider.send(kind, { seq: clockMs + 100_001 }))).toBe('accepted');
  },
);

test('only the key of the provider is told a number', async () => {
  await provider.send('heartbeat', { seq: clockMs + 100_000 });
  const stranger = await provider.send('heartbeat', { key: account() });
  expect([reasonOf(stranger), stranger]).toEqual(['key_unknown', expect.not.objectContaining({ nextSeq: 1 })]);
  expect(stranger).not.toHaveProperty('nextSeq');
  const { fields, ...entry } = await provider.message('heartbeat');
  const forged = await again({ ...entry, fields: { ...fields, seq: String(clockMs + 1) } });
  expect([reasonOf(forged), Object.hasOwn(forged, 'nextSeq')]).toEqual(['signature_invalid', false]);
  const old = await provider.message('heartbeat', { tsMs: clockMs - 121_000 });
  expect([reasonOf(await again(old)), Object.hasOwn(await again(old), 'nextSeq')]).toEqual(['timestamp_skew', false]);
});

test('two programs with one key are both heard although the clock of one is ahead', async () => {
  const agents = [0, 60_000].map((offMs) => new SigningClock(() => clockMs + offMs));
  for (let round = 0; round < 4; round++) {
    for (const clock of agents) {
      clockMs += 15_000;
      const say = async () => provider.send('heartbeat', { seq: Number(clock.next()), tsMs: clock.now() });
      const verdict = await say();
      if (verdict.accepted) continue;
      expect(clock.goOnFrom((verdict as { nextSeq: number }).nextSeq)).toBe(true);
      expect(reasonOf(await say())).toBe('accepted');
    }
  }
});

test('a broker clock that goes back makes no old message acceptable', async () => {
  const recorded = await Promise.all(kinds.map((kind) => provider.message(kind)));
  for (const entry of recorded) expect(reasonOf(await verifier().verify(entry))).toBe('accepted');
  const then = clockMs;
  clockMs += hourMs;
  for (const kind of kinds) expect(reasonOf(await provider.send(kind))).toBe('accepted');
  clockMs = then;
  for (const entry of recorded) expect(reasonOf(await again(entry))).toBe('sequence_replayed');
});
