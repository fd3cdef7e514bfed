import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { authorizeNodeKey, providerSigner, type NodeKeyAuthorization } from '../../src/provider-agent/signer.js';
import { createProviderVerifier } from '../../src/auth/providers/identity.js';
import type { ProviderVerdict } from '../../src/domain/provider-verdict.js';
import { createRecover } from '../../src/auth/recover.js';
import type { Config } from '../../src/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';

const audience = 'https://broker.example.com';
const chainId = 103;
const accepted = { accepted: true };

let database: TestDatabase;
/** Unix milliseconds; tests that do not wait set it. */
let clockMs = Date.now();
let entries = 0;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const recover = createRecover();
const now = () => clockMs;
const verifierOf = (mode: Config['PROVIDER_AUTH_MODE']) =>
  createProviderVerifier({
    config: { AUTH_AUDIENCE: audience, AUTH_CHAIN_IDS: [chainId], PROVIDER_AUTH_MODE: mode },
    pool: database.pool,
    recover,
    now,
  });

const account = () => privateKeyToAccount(generatePrivateKey());
const lower = ({ address }: PrivateKeyAccount) => address.toLowerCase();
const newId = () => `p-${randomBytes(6).toString('hex')}`;
const entryId = () => `${clockMs}-${entries++}`;

/** A provider with a new wallet and key; `change` alters its registration. */
function provider({ providerId = newId(), wallet = account(), nodeKey = account() } = {}) {
  const registration = (change: object = {}) =>
    JSON.stringify({ provider_id: providerId, wallet_addr: wallet.address, ...change });
  const heartbeat = () => JSON.stringify({ provider_id: providerId, status: 'available' });
  return { providerId, wallet, nodeKey, registration, heartbeat };
}
type Provider = ReturnType<typeof provider>;

/** A message signed by `signer`, as an entry. */
async function signed(
  { providerId, wallet, nodeKey }: Provider,
  stream: string,
  data: string,
  delegation?: NodeKeyAuthorization | 'none',
) {
  const sign =
    delegation === undefined
      ? providerSigner({ nodeKey, audience, wallet, chainId, now })
      : providerSigner({ nodeKey, audience, now, ...(delegation === 'none' ? {} : { delegation }) });
  const fields = await sign(stream, data);
  clockMs += 1;
  return { stream, providerId, id: entryId(), fields };
}
const registers = (of: Provider, delegation?: NodeKeyAuthorization | 'none') =>
  signed(of, 'provider:registration', of.registration(), delegation);
const beats = (of: Provider) => signed(of, 'provider:heartbeat', of.heartbeat());
/** A message of each kind, in the order in which they were signed. */
const oneOfEachKind = async (of: Provider) => [
  await registers(of),
  await beats(of),
  await signed(of, 'provider:capacity', of.heartbeat()),
];

const unsigned = ({ providerId }: Provider, stream: string, data: string) => ({
  stream,
  providerId,
  id: entryId(),
  fields: { data, timestamp: new Date(clockMs).toISOString() },
});

const reasonOf = (verdict: ProviderVerdict) => (verdict.accepted ? 'accepted' : verdict.reason);

test('the first signed registration binds a provider to the wallet that signed, and its key speaks for it', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  expect(await verifier.verify(await registers(atlas))).toEqual({
    ...accepted,
    signed: true,
    wallet: lower(atlas.wallet),
  });
  expect(await verifier.verify(await beats(atlas))).toEqual({ ...accepted, signed: true, wallet: lower(atlas.wallet) });
});

test.each([
  ['required', 'signature_required', 'signature_required', 'signature_required'],
  ['permissive', 'accepted', 'accepted', 'signature_required'],
  ['off', 'accepted', 'accepted', 'accepted'],
] as const)(
  'in mode %s an unsigned registration is %s, an unsigned heartbeat %s, and an unsigned message after a signed one %s',
  async (mode, registration, heartbeat, afterSigned) => {
    const verifier = verifierOf(mode);
    const bare = provider();
    expect(reasonOf(await verifier.verify(unsigned(bare, 'provider:registration', bare.registration())))).toBe(
      registration,
    );
    expect(reasonOf(await verifier.verify(unsigned(bare, 'provider:heartbeat', bare.heartbeat())))).toBe(heartbeat);

    const signer = provider();
    await verifierOf('required').verify(await registers(signer));
    expect(reasonOf(await verifier.verify(unsigned(signer, 'provider:registration', signer.registration())))).toBe(
      afterSigned,
    );
    expect(reasonOf(await verifier.verify(unsigned(signer, 'provider:heartbeat', signer.heartbeat())))).toBe(
      afterSigned,
    );
  },
);

test('an unsigned registration is accepted with the wallet it claims, and not as signed', async () => {
  const bare = provider();
  for (const mode of ['permissive', 'off'] as const) {
    const verdict = await verifierOf(mode).verify(unsigned(bare, 'provider:registration', bare.registration()));
    expect(verdict).toEqual({ ...accepted, signed: false, wallet: lower(bare.wallet) });
  }
});

test('a provider that must sign and does not is told so only when it registers', async () => {
  const bare = provider();
  const verifier = verifierOf('required');
  expect(await verifier.verify(unsigned(bare, 'provider:registration', bare.registration()))).toMatchObject({
    tell: 'signature required',
  });
  expect(await verifier.verify(unsigned(bare, 'provider:heartbeat', bare.heartbeat()))).not.toHaveProperty('tell');
});

test('an invalid signature does not count as a missing one where unsigned messages are accepted', async () => {
  const verifier = verifierOf('permissive');
  const entry = await registers(provider());
  const sig = entry.fields['sig']!.replace(/^0x..../, '0x1234');
  expect(await verifier.verify({ ...entry, fields: { ...entry.fields, sig } })).toMatchObject({
    reason: 'signature_invalid',
  });
});

test('a message signed for another stream or another provider is rejected', async () => {
  const verifier = verifierOf('required');
  const [atlas, borealis] = [provider(), provider()];
  await verifier.verify(await registers(atlas));
  await verifier.verify(await registers(borealis));
  const beat = await beats(atlas);
  expect(reasonOf(await verifier.verify({ ...beat, stream: 'provider:capacity' }))).toBe('signature_invalid');
  expect(reasonOf(await verifier.verify({ ...beat, providerId: borealis.providerId }))).toBe('key_unknown');
  const registration = await registers(atlas);
  expect(reasonOf(await verifier.verify({ ...registration, providerId: newId() }))).toBe('signature_invalid');
});

test('a bound provider id cannot be taken by another wallet’s valid signature', async () => {
  const verifier = verifierOf('required');
  const owner = provider();
  await verifier.verify(await registers(owner));
  const thief = provider({ providerId: owner.providerId });
  expect(await verifier.verify(await registers(thief))).toMatchObject({ accepted: false, reason: 'other_wallet' });
  expect(reasonOf(await verifier.verify(await beats(thief)))).toBe('key_unknown');
  expect(reasonOf(await verifier.verify(await beats(owner)))).toBe('accepted');
});

test('a registration that names another wallet than the one that signed is rejected', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  const data = atlas.registration({ wallet_addr: account().address });
  expect(await verifier.verify(await signed(atlas, 'provider:registration', data))).toMatchObject({
    reason: 'wallet_mismatch',
  });
  expect(reasonOf(await verifier.verify(await registers(atlas)))).toBe('accepted');
});

test('a registration that names no wallet belongs to the wallet that signed', async () => {
  const atlas = provider();
  const data = atlas.registration({ wallet_addr: '' });
  expect(await verifierOf('required').verify(await signed(atlas, 'provider:registration', data))).toMatchObject({
    wallet: lower(atlas.wallet),
  });
});

test('a message in another entry is a replay; the same entry, read again after a crash, is accepted again', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  for (const entry of await oneOfEachKind(atlas)) {
    expect(reasonOf(await verifier.verify(entry))).toBe('accepted');
    expect(reasonOf(await verifierOf('required').verify(entry))).toBe('accepted');
    expect(reasonOf(await verifier.verify({ ...entry, id: entryId() }))).toBe('sequence_replayed');
  }
});

test('a message that a later one overtook is told apart from one that is sent again', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  const pairs = [
    [await registers(atlas), await registers(atlas), /sequence_replayed|delegation_superseded/],
    [await beats(atlas), await beats(atlas), /^sequence_replayed$/],
  ] as const;
  for (const [earlier, later, reason] of pairs) {
    expect(reasonOf(await verifier.verify(later))).toBe('accepted');
    const overtaken = await verifier.verify(earlier);
    expect(reasonOf(overtaken)).toMatch(reason);
    expect(overtaken).toMatchObject({ isOvertaken: true });
    expect(overtaken).not.toHaveProperty('tell');
    const sentAgain = await verifier.verify({ ...earlier, id: entryId() });
    expect(reasonOf(sentAgain)).toMatch(reason);
    expect(sentAgain).not.toHaveProperty('isOvertaken');
  }
});

test('a registration by an old key that the one by a new key overtook is told apart from one that is sent again', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  expect(reasonOf(await verifier.verify(await registers(atlas)))).toBe('accepted');
  const earlier = await registers(atlas);
  expect(
    reasonOf(await verifier.verify(await registers(provider({ providerId: atlas.providerId, wallet: atlas.wallet })))),
  ).toBe('accepted');
  expect(await verifier.verify(earlier)).toMatchObject({ reason: 'key_revoked', isOvertaken: true });
  expect(await verifier.verify({ ...earlier, id: entryId() })).not.toHaveProperty('isOvertaken');
});

test('a heartbeat that was signed before the registration may be read after it, since each stream counts by itself', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  await verifier.verify(await registers(atlas));
  const beat = await beats(atlas);
  await verifier.verify(await registers(atlas));
  expect(reasonOf(await verifier.verify(beat))).toBe('accepted');
});

test('of many entries with one number at the same moment exactly one is accepted', async () => {
  const verifiers = [verifierOf('required'), verifierOf('required')];
  const atlas = provider();
  await verifiers[0]!.verify(await registers(atlas));
  for (const entry of await oneOfEachKind(atlas)) {
    const twins = Array.from({ length: 12 }, (_, index) => verifiers[index % 2]!.verify({ ...entry, id: entryId() }));
    const reasons = (await Promise.all(twins)).map(reasonOf).sort();
    expect(reasons).toEqual(['accepted', ...Array<string>(11).fill('sequence_replayed')]);
  }
});

test('of several wallets that register one new id at the same moment exactly one gets it', async () => {
  const providerId = newId();
  const rivals = Array.from({ length: 8 }, () => provider({ providerId }));
  const entriesOfRivals = await Promise.all(rivals.map((rival) => registers(rival)));
  const verdicts = await Promise.all(entriesOfRivals.map((entry) => verifierOf('required').verify(entry)));
  const reasons = verdicts.map(reasonOf).sort();
  expect(reasons).toEqual(['accepted', ...Array<string>(7).fill('other_wallet')]);
  const winner = rivals[verdicts.findIndex((verdict) => verdict.accepted)]!;
  expect(reasonOf(await verifierOf('required').verify(await beats(winner)))).toBe('accepted');
});

test.each([
  ['provider:heartbeat', -121, 'timestamp_skew'],
  ['provider:heartbeat', -119, 'accepted'],
  ['provider:heartbeat', 121, 'timestamp_skew'],
])('a signed %s that is read %i s from now: %s', async (_stream, offsetS, outcome) => {
  const verifier = verifierOf('required');
  const atlas = provider();
  await verifier.verify(await registers(atlas));
  clockMs = Math.floor(clockMs / 1000) * 1000;
  const readAtMs = clockMs;
  clockMs += offsetS * 1000;
  const beat = await beats(atlas);
  clockMs = readAtMs;
  expect(reasonOf(await verifier.verify(beat))).toBe(outcome);
});

test('a registration that waited for the broker in its stream is accepted, and one that was held back before is not', async () => {
  const verifier = verifierOf('required');
  const [waited, heldBack] = [provider(), provider()];
  const [early, late] = [await registers(waited), await registers(heldBack)];
  clockMs += 3_600_000;
  expect(reasonOf(await verifier.verify(early))).toBe('accepted');
  expect(reasonOf(await verifier.verify({ ...late, id: entryId() }))).toBe('timestamp_skew');
});

test('a delegation may be presented again by a machine that restarts with the same key', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  const options = { providerId: atlas.providerId, nodeKey: atlas.nodeKey.address, audience, chainId, nowMs: clockMs };
  const delegation = await authorizeNodeKey(atlas.wallet, options);
  expect(reasonOf(await verifier.verify(await registers(atlas, delegation)))).toBe('accepted');
  clockMs += 30 * 86_400_000;
  expect(reasonOf(await verifier.verify(await registers(atlas, delegation)))).toBe('accepted');
  clockMs += 61 * 86_400_000;
  expect(reasonOf(await verifier.verify(await registers(atlas, delegation)))).toBe('delegation_expired');
  expect(reasonOf(await verifier.verify(await beats(atlas)))).toBe('delegation_expired');
});

test('a nonce used for one delegation is rejected with another', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  const first = await registers(atlas);
  await verifier.verify(first);
  const { nonce } = JSON.parse(first.fields['reg']!) as { nonce: string };
  const forger = { address: atlas.wallet.address, signTypedData: withNonce(atlas.wallet, nonce) };
  const options = {
    providerId: atlas.providerId,
    nodeKey: atlas.nodeKey.address,
    audience,
    chainId,
    nowMs: clockMs + 5_000,
  };
  const { reg, regsig } = await authorizeNodeKey(forger, options);
  const again = { reg: JSON.stringify({ ...(JSON.parse(reg) as object), nonce }), regsig };
  expect(reasonOf(await verifier.verify(await registers(atlas, again)))).toBe('delegation_nonce_reused');
});

/** A wallet that chooses the nonces of its delegations. */
function withNonce(wallet: PrivateKeyAccount, nonce: string): PrivateKeyAccount['signTypedData'] {
  return ((data: { message: object }) =>
    wallet.signTypedData({ ...data, message: { ...data.message, nonce } } as never)) as never;
}

test('a delegation first used long after it was issued is rejected', async () => {
  const atlas = provider();
  const options = { providerId: atlas.providerId, nodeKey: atlas.nodeKey.address, audience, chainId, nowMs: clockMs };
  const delegation = await authorizeNodeKey(atlas.wallet, options);
  clockMs += 601_000;
  expect(reasonOf(await verifierOf('required').verify(await registers(atlas, delegation)))).toBe(
    'delegation_not_fresh',
  );
});

test('a new node key replaces the old one, which is then rejected with everything it sends', async () => {
  const verifier = verifierOf('required');
  const before = provider();
  const options = { providerId: before.providerId, nodeKey: before.nodeKey.address, audience, chainId, nowMs: clockMs };
  const delegation = await authorizeNodeKey(before.wallet, options);
  await verifier.verify(await registers(before, delegation));
  const after = { ...before, nodeKey: account() };
  expect(reasonOf(await verifier.verify(await registers(after)))).toBe('accepted');
  expect(reasonOf(await verifier.verify(await beats(before)))).toBe('key_unknown');
  expect(reasonOf(await verifier.verify(await registers(before, delegation)))).toBe('key_revoked');
  expect(reasonOf(await verifier.verify(await registers(before)))).toBe('key_revoked');
  expect(reasonOf(await verifier.verify(await beats(after)))).toBe('accepted');
});

test('an old key that registers at the moment of its replacement does not come back', async () => {
  for (let round = 0; round < 5; round++) {
    const before = provider();
    await verifierOf('required').verify(await registers(before));
    const after = { ...before, nodeKey: account() };
    const [old, fresh] = [await registers(before), await registers(after)];
    await Promise.all([verifierOf('required').verify(old), verifierOf('required').verify(fresh)]);
    expect(reasonOf(await verifierOf('required').verify(await beats(before)))).toBe('key_unknown');
    expect(reasonOf(await verifierOf('required').verify(await beats(after)))).toBe('accepted');
  }
});

test('an older delegation does not loosen what a newer one allows', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  const options = { providerId: atlas.providerId, nodeKey: atlas.nodeKey.address, audience, chainId };
  const wide = await authorizeNodeKey(atlas.wallet, { ...options, nowMs: clockMs });
  await verifier.verify(await registers(atlas, wide));
  const pinned = await authorizeNodeKey(atlas.wallet, {
    ...options,
    data: atlas.registration(),
    nowMs: clockMs + 5_000,
  });
  expect(reasonOf(await verifier.verify(await registers(atlas, pinned)))).toBe('accepted');
  expect(reasonOf(await verifier.verify(await registers(atlas, wide)))).toBe('delegation_superseded');
});

test('a pinned delegation lets its key register that one text, and nothing about capacity', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  const options = { providerId: atlas.providerId, nodeKey: atlas.nodeKey.address, audience, chainId, nowMs: clockMs };
  const pinned = await authorizeNodeKey(atlas.wallet, { ...options, data: atlas.registration() });
  const dearer = atlas.registration({ capacity: { gpu_price_per_hour: 9 } });
  expect(reasonOf(await verifier.verify(await registers(atlas, pinned)))).toBe('accepted');
  expect(reasonOf(await verifier.verify(await registers(atlas, 'none')))).toBe('accepted');
  expect(reasonOf(await verifier.verify(await signed(atlas, 'provider:registration', dearer, pinned)))).toBe(
    'spec_pinned',
  );
  expect(reasonOf(await verifier.verify(await signed(atlas, 'provider:registration', dearer, 'none')))).toBe(
    'spec_pinned',
  );
  expect(reasonOf(await verifier.verify(await signed(atlas, 'provider:capacity', atlas.heartbeat())))).toBe(
    'spec_pinned',
  );
  expect(reasonOf(await verifier.verify(await beats(atlas)))).toBe('accepted');
});

test('a key without a known delegation registers nothing', async () => {
  expect(reasonOf(await verifierOf('required').verify(await registers(provider(), 'none')))).toBe('key_unknown');
});

test('a rejected delegation leaves nothing behind', async () => {
  const atlas = provider();
  const data = atlas.registration({ wallet_addr: account().address });
  await verifierOf('required').verify(await signed(atlas, 'provider:registration', data));
  const thief = provider({ providerId: newId() });
  await verifierOf('required').verify(await registers(thief));
  const late = await registers({ ...provider(), providerId: thief.providerId });
  await verifierOf('required').verify(late);
  const { rows } = await database.pool.query(
    'select from provider_delegations where wallet = any ($1) union all select from provider_identities where provider_id = $2',
    [[lower(atlas.wallet), (JSON.parse(late.fields['reg']!) as { wallet: string }).wallet], atlas.providerId],
  );
  expect(rows).toEqual([]);
});

test('a dry run tells what would become of a message and uses nothing up', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  for (const entry of await oneOfEachKind(atlas)) {
    if (entry.stream === 'provider:registration') expect(await verifier.dryRun(entry)).toMatchObject(accepted);
    expect(await verifier.dryRun(entry)).toMatchObject(accepted);
    expect(reasonOf(await verifier.verify(entry))).toBe('accepted');
    expect(await verifier.dryRun(entry)).toMatchObject({ reason: 'sequence_replayed' });
  }
});

test('a provider that serves unsigned keeps its wallet against a stranger who signs', async () => {
  const bare = provider();
  await database.pool.query(
    `insert into providers (provider_id, wallet_addr, status, spec, capacity, offer)
     values ($1, $2, 'available', '{}', '{}', '{}')`,
    [bare.providerId, lower(bare.wallet)],
  );
  const thief = provider({ providerId: bare.providerId });
  expect(reasonOf(await verifierOf('required').verify(await registers(thief)))).toBe('other_wallet');
  expect(reasonOf(await verifierOf('permissive').verify(unsigned(bare, 'provider:heartbeat', bare.heartbeat())))).toBe(
    'approval_required',
  );
  expect(reasonOf(await verifierOf('required').verify(await registers(bare)))).toBe('accepted');
});

test('an unsigned message in the name of a signing provider is not answered among its answers', async () => {
  const verifier = verifierOf('required');
  const atlas = provider();
  const bare = unsigned(atlas, 'provider:registration', atlas.registration());
  expect(await verifier.verify(bare)).toMatchObject({ reason: 'signature_required', tell: 'signature required' });
  expect(await verifier.mayBeTold({ ...bare, fields: { data: 'nonsense' } })).toBe(true);
  const genuine = await registers(atlas);
  expect(reasonOf(await verifier.verify(genuine))).toBe('accepted');

  const thief = provider({ providerId: atlas.providerId });
  const forgedKey = { ...genuine.fields, sig: (await registers(thief)).fields['sig']! };
  for (const entry of [bare, await registers(thief), { ...genuine, fields: forgedKey }]) {
    const verdict = await verifier.verify({ ...entry, id: entryId() });
    expect(verdict).toMatchObject({ accepted: false });
    expect(verdict).not.toHaveProperty('tell');
    expect(await verifier.mayBeTold(entry)).toBe(false);
  }
  // Its own key, and another one for which its owner signed, learn the reason.
  expect(await verifier.verify({ ...genuine, id: entryId() })).toMatchObject({
    reason: 'sequence_replayed',
    tell: expect.any(String),
  });
  clockMs += 600_000;
  expect(await verifier.verify({ ...genuine, id: entryId() })).toMatchObject({ tell: expect.any(String) });
});
