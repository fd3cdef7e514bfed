import { expect, jest, test } from '@jest/globals';
import { hashMessage, keccak256, recoverAddress, toBytes, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { warnWhileInsecure } from '../../src/auth/providers/insecure-warning.js';
import { authorizeNodeKey, providerSigner } from '../../src/provider-agent/signer.js';
import { verifyDelegation, type ProviderAuthConfig } from '../../src/auth/providers/delegation.js';
import { providerRejections, rejectionError } from '../../src/domain/provider-rejections.js';
import { readEntrySignature } from '../../src/auth/providers/entry-signature.js';
import { anySpec, providerRegistrationDigest, type ProviderRegistration } from '../../src/wire/provider-typed-data.js';
import { createRecover } from '../../src/auth/recover.js';
import { ConfigError, readConfig } from '../../src/config.js';
import { providerAuthInsecure } from '../../src/observability/metrics.js';
import { canonicalEntry, entryDigest } from '../../src/wire/entry-signature.js';
import { readDelegation } from '../../src/wire/node-key-delegation.js';
import { isErrorCode } from '../../src/wire/error-codes.js';

// The keys of a well-known test mnemonic: the wallet is its first, the node key its third.
const wallet = privateKeyToAccount('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');
const nodeKey = privateKeyToAccount('0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a');
const stranger = privateKeyToAccount('0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6');

const audience = 'https://broker.example.com';
const providerId = 'provider-1a2b3c4d';
const config: ProviderAuthConfig = { AUTH_AUDIENCE: audience, AUTH_CHAIN_IDS: [103], PROVIDER_AUTH_MODE: 'required' };
const recover = createRecover();
const nowMs = 1_764_000_130_500;

const registrationData = `{"provider_id":"${providerId}","wallet_addr":"${wallet.address}"}`;
const registration: ProviderRegistration = {
  providerId,
  wallet: wallet.address.toLowerCase() as Hex,
  nodeKey: nodeKey.address.toLowerCase() as Hex,
  specHash: '0x292ba097e5da2fb1d2afb63028fb3f35fdbd95849de68c30b86dbf8320c04a47',
  audience,
  issuedAt: 1_764_000_000,
  expiresAt: 1_764_000_000 + 90 * 86_400,
  nonce: `0x${'22'.repeat(32)}`,
};
const registrationSignature: Hex =
  '0xcd74d2984ab1673777a5e469135c66fb351db6fa8d0cd48b7f68cf29f48b10c14adc444e400e5d20c0e98052a5b4438326497414cb012feb865046aae53a79071b';

const heartbeat = {
  audience,
  stream: 'provider:heartbeat',
  providerId,
  seq: '1764000130123',
  ts: '1764000130',
  data: `{"provider_id":"${providerId}","status":"available"}`,
};
const heartbeatSignature: Hex =
  '0xe9266739f3a3071300ccde3534a583199816934e1b54dfd7c7fc3e5a1c801045030b451281f19116aa4dc322fe599dd564f08c0ef7b0c254fafdf790cf9b7e4a1c';

const check = (message: ProviderRegistration, signature: Hex = registrationSignature, changes: object = {}) =>
  verifyDelegation({ config: { ...config, ...changes }, recover }, message, signature, {
    providerId,
    nodeKey: registration.nodeKey,
    data: registrationData,
    nowMs,
  });

/** The twin of a signature that fits the same message, with s in the upper half. */
function highS(signature: Hex): Hex {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
  return `0x${signature.slice(2, 66)}${s}${signature.slice(130) === '1b' ? '1c' : '1b'}`;
}

test('a delegation has the digest of the test vector, and the pinned hash of the registration that it allows', () => {
  expect(keccak256(toBytes(registrationData))).toBe(registration.specHash);
  expect(providerRegistrationDigest(registration, 103)).toBe(
    '0x5a050f6ad36a29512372a1d42af035e94d4dab20fc85e25d280edf6364b545ea',
  );
});

test('the delegation of the test vector is accepted for the wallet that signed it', async () => {
  expect(await check(registration)).toMatchObject({ wallet: registration.wallet, chainId: 103, providerId });
});

test('a heartbeat has the text of the test vector, which the node key signed', async () => {
  expect(canonicalEntry(heartbeat)).toBe(
    'WORLDLAND-PROVIDER-V1\nhttps://broker.example.com\nprovider:heartbeat\nprovider-1a2b3c4d\n1764000130123\n1764000130\n' +
      '5155015f749cba52d6fd42f46f66437e5ad76efa046d18bbedd1b66183234ac2',
  );
  expect(await recover(entryDigest(heartbeat), heartbeatSignature)).toBe(registration.nodeKey);
});

test.each<[keyof typeof heartbeat, string]>([
  ['audience', 'https://broker.example.org'],
  ['stream', 'provider:capacity'],
  ['providerId', 'provider-1a2b3c4e'],
  ['seq', '1764000130124'],
  ['ts', '1764000131'],
  ['data', heartbeat.data.replace('available', 'offline')],
])('a heartbeat with another %s is not the one that was signed', async (field, value) => {
  expect(await recover(entryDigest({ ...heartbeat, [field]: value }), heartbeatSignature)).not.toBe(
    registration.nodeKey,
  );
});

test.each<[keyof ProviderRegistration, string | number]>([
  ['wallet', stranger.address.toLowerCase()],
  ['issuedAt', registration.issuedAt + 1],
  ['expiresAt', registration.expiresAt - 1],
  ['nonce', `0x${'23'.repeat(32)}`],
  ['specHash', anySpec],
])('a delegation whose %s was changed after it was signed is rejected', async (field, value) => {
  await expect(check({ ...registration, [field]: value })).rejects.toMatchObject({ reason: 'delegation_unsigned' });
});

test.each<[keyof ProviderRegistration, string]>([
  ['providerId', 'provider-1a2b3c4e'],
  ['nodeKey', stranger.address.toLowerCase()],
  ['audience', 'https://broker.example.org'],
])('a delegation about another %s is rejected before any signature is checked', async (field, value) => {
  await expect(check({ ...registration, [field]: value })).rejects.toMatchObject({ reason: 'delegation_mismatch' });
});

test.each<[keyof ProviderRegistration, string]>([
  ['providerId', 'provider-1a2b3c4e'],
  ['nodeKey', stranger.address.toLowerCase()],
  ['audience', 'https://broker.example.org'],
])('the %s of a delegation is part of what the wallet signed', async (field, value) => {
  const signer = await recover(
    providerRegistrationDigest({ ...registration, [field]: value }, 103),
    registrationSignature,
  );
  expect(signer).not.toBe(registration.wallet);
});

test('a delegation signed for another chain is rejected, and accepted where that chain is configured too', async () => {
  await expect(check(registration, registrationSignature, { AUTH_CHAIN_IDS: [1] })).rejects.toMatchObject({
    reason: 'delegation_unsigned',
  });
  expect(await check(registration, registrationSignature, { AUTH_CHAIN_IDS: [1, 56, 103] })).toMatchObject({
    chainId: 103,
  });
});

test('a delegation of more than 90 days is rejected, and so is one that has expired', async () => {
  const signed = async (validForS: number, atMs: number) => {
    const options = { providerId, nodeKey: nodeKey.address, audience, chainId: 103, validForS, nowMs: atMs };
    const { reg, regsig } = await authorizeNodeKey(wallet, options);
    return check(readDelegation(reg)!, regsig);
  };
  expect(await signed(90 * 86_400, nowMs)).toMatchObject({ specHash: anySpec });
  await expect(signed(90 * 86_400 + 1, nowMs)).rejects.toMatchObject({ reason: 'delegation_too_long' });
  await expect(signed(0, nowMs)).rejects.toMatchObject({ reason: 'delegation_too_long' });
  await expect(signed(60, nowMs - 60_500)).rejects.toMatchObject({ reason: 'delegation_expired' });
});

test('a pinned delegation allows exactly one registration, to the byte', async () => {
  const options = { providerId, nodeKey: nodeKey.address, audience, chainId: 103, nowMs };
  const { reg, regsig } = await authorizeNodeKey(wallet, { ...options, data: `${registrationData} ` });
  await expect(check(readDelegation(reg)!, regsig)).rejects.toMatchObject({ reason: 'spec_pinned' });
});

test('the twin of a good signature with a high s is not accepted, of the key or of the wallet', () => {
  const fields = { v: '1', key: nodeKey.address, seq: '1', ts: '1764000130', sig: heartbeatSignature };
  expect(readEntrySignature(fields)).toMatchObject({ key: registration.nodeKey });
  expect(readEntrySignature({ ...fields, sig: highS(heartbeatSignature) })).toMatch(/^sig: s must be/);
  const delegated = { ...fields, reg: JSON.stringify(registration), regsig: highS(registrationSignature) };
  expect(readEntrySignature(delegated)).toMatch(/^regsig: s must be/);
});

test('the twin of a signature with a high s fits the message, so it is rejected for its form', async () => {
  const hash = hashMessage(canonicalEntry(heartbeat));
  expect(await recoverAddress({ hash, signature: highS(heartbeatSignature) })).toBe(nodeKey.address);
});

test.each([
  ['a signature of 64 bytes', { sig: heartbeatSignature.slice(0, 130) }],
  ['a signature whose last byte is 29', { sig: `${heartbeatSignature.slice(0, 130)}1d` }],
  ['a key of another length', { key: nodeKey.address.slice(0, 41) }],
  ['a number with leading zeros', { seq: '0001' }],
  ['a negative number', { seq: '-1' }],
  ['a number above 2^53', { seq: '9007199254740993' }],
  ['a time that is not a whole number', { ts: '1764000130.5' }],
  ['another version', { v: '2' }],
  ['a delegation without its signature', { reg: JSON.stringify(registration) }],
])('%s is malformed, not unsigned', (_what, change) => {
  const fields = { v: '1', key: nodeKey.address, seq: '1', ts: '1764000130', sig: heartbeatSignature, ...change };
  expect(typeof readEntrySignature(fields)).toBe('string');
});

test('an entry without any of the signature fields is unsigned, and one without some of them is malformed', () => {
  expect(readEntrySignature({ data: heartbeat.data, timestamp: '2025-11-24T16:02:10Z' })).toBeUndefined();
  expect(readEntrySignature({ data: heartbeat.data, key: nodeKey.address })).toMatch(/v, seq, ts, sig/);
});

test.each([
  ['text that is not JSON', '{'],
  ['a list', '[]'],
  ['an unknown field', JSON.stringify({ ...registration, chainId: 1 })],
  ['a missing field', JSON.stringify({ ...registration, nonce: undefined })],
  ['a nonce of another length', JSON.stringify({ ...registration, nonce: '0x22' })],
  ['more text than a delegation has', ' '.repeat(5_000) + JSON.stringify(registration)],
])('%s is not read as a delegation', (_what, text) => {
  expect(readDelegation(text)).toBeUndefined();
});

test('a signer numbers its messages upwards even within one millisecond', async () => {
  const sign = providerSigner({ nodeKey, audience, now: () => nowMs });
  const numbers = [];
  for (let count = 0; count < 3; count++) numbers.push(Number((await sign(heartbeat.stream, heartbeat.data))['seq']));
  expect(numbers).toEqual([nowMs, nowMs + 1, nowMs + 2]);
});

test('every rejection has a code of the API, and a wrong clock is told the time', () => {
  for (const { code } of Object.values(providerRejections)) expect(isErrorCode(code)).toBe(true);
  expect(rejectionError('timestamp_skew', nowMs).extra).toMatchObject({ server_time: 1_764_000_130 });
});

test('a process that checks no signatures says so every minute and in its metrics, until it is stopped', async () => {
  jest.useFakeTimers();
  try {
    const warn = jest.fn();
    const stop = warnWhileInsecure({ PROVIDER_AUTH_MODE: 'off' }, { warn } as never);
    expect((await providerAuthInsecure.get()).values).toMatchObject([{ value: 1 }]);
    jest.advanceTimersByTime(120_000);
    expect(warn).toHaveBeenCalledTimes(3);
    stop();
    jest.advanceTimersByTime(120_000);
    expect(warn).toHaveBeenCalledTimes(3);
  } finally {
    jest.useRealTimers();
  }
});

test('a process that checks its providers gives no warning', async () => {
  const warn = jest.fn();
  for (const mode of ['required', 'permissive'] as const)
    warnWhileInsecure({ PROVIDER_AUTH_MODE: mode }, { warn } as never);
  expect(warn).not.toHaveBeenCalled();
  expect((await providerAuthInsecure.get()).values).toMatchObject([{ value: 0 }]);
});

test('in production signatures cannot be left unchecked by mistake', () => {
  const env = { NODE_ENV: 'production', AUTH_AUDIENCE: audience, PROVIDER_AUTH_MODE: 'off' };
  expect(() => readConfig(env)).toThrow(ConfigError);
  expect(readConfig({ ...env, ALLOW_INSECURE_PROVIDERS: 'true' }).PROVIDER_AUTH_MODE).toBe('off');
  expect(readConfig({}).PROVIDER_AUTH_MODE).toBe('required');
});
