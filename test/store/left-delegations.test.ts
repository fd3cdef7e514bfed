import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { PrivateKeyAccount } from 'viem/accounts';
import { createProviderVerifier } from '../../src/auth/providers/identity.js';
import { createRecover } from '../../src/auth/recover.js';
import { pruneLeftDelegations } from '../../src/db/left-delegations.js';
import { authorizeNodeKey, providerSigner, responsesSigner } from '../../src/provider-agent/signer.js';
import { audience, newWallet, type Api } from '../support/api.js';
import { putProvider } from '../support/fleet.js';
import { bindNodeKey, chainId, httpsProvider, registrationStream } from '../support/https-providers.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

let replicas: Replicas;
let api: Api;
beforeAll(async () => {
  replicas = await startReplicas({ env: { PROVIDER_AUTH_MODE: 'required' } });
  ({ api } = replicas);
});
afterAll(() => replicas.stop());

type Machine = ReturnType<typeof httpsProvider>;
interface Left {
  reg: string;
  regsig: string;
}
let machine: Machine;
beforeEach(() => {
  machine = httpsProvider();
});

const pool = () => replicas.database.pool;
const leave = (body: unknown, id = machine.providerId) =>
  api.send('PUT', `/api/v1/providers/${id}/delegation`, { body });
/** Asks as the machine does, with its own key or another one. */
const fetched = async (nodeKey: PrivateKeyAccount = machine.nodeKey) => {
  const { providerId } = machine;
  const target = `/api/v1/providers/${providerId}/responses?after=0`;
  const sign = responsesSigner({ providerId, nodeKey, audience });
  return await api.send('GET', target, { headers: await sign(target) });
};
const delegationsOf = async (nodeKey?: PrivateKeyAccount) =>
  ((await fetched(nodeKey)).json.delegations as Left[] | undefined) ?? [];
const signed = (change: Partial<Parameters<typeof authorizeNodeKey>[1]> = {}, by = machine.wallet) =>
  authorizeNodeKey(by, {
    ...{ providerId: machine.providerId, nodeKey: machine.nodeKey.address, audience, chainId, ...change },
  });

describe('a delegation that is left for a machine', () => {
  test('the machine fetches it with its key before it has ever registered, and registers with it', async () => {
    expect(await delegationsOf()).toEqual([]);
    const left = await machine.left();
    const { status, json } = await leave(left);
    expect([status, json]).toMatchObject([
      202,
      {
        ...{ provider_id: machine.providerId, wallet: machine.wallet.address.toLowerCase() },
        node_key: machine.nodeKey.address.toLowerCase(),
      },
    ]);
    expect(Date.parse(json.use_until) - Date.now()).toBeGreaterThan(590_000);
    const [found] = await delegationsOf();
    expect(found).toEqual(left);
    // As the agent does: with what it fetched, and nothing else.
    const sign = providerSigner({ nodeKey: machine.nodeKey, audience, delegation: found as typeof left });
    const message = machine.bareRegistration();
    const reply = await api.send('POST', '/api/v1/providers/messages', {
      body: { stream: registrationStream, ...(await sign(registrationStream, message.data)) },
    });
    expect(reply.status).toBe(202);
  });

  test('nobody else fetches it, and another machine’s key finds nothing', async () => {
    await leave(await machine.left());
    expect(await delegationsOf(newWallet())).toEqual([]);
    const target = `/api/v1/providers/${machine.providerId}/responses?after=0`;
    expect((await api.send('GET', target)).json).toMatchObject({ code: 'auth_required' });
  });

  test('it stands in the audit log with the wallet that signed', async () => {
    await leave(await machine.left());
    const { rows } = await pool().query('select actor, session_id, action, detail from audit_log where target = $1', [
      machine.providerId,
    ]);
    expect(rows).toMatchObject([
      { actor: machine.wallet.address.toLowerCase(), session_id: null, action: 'provider.delegate' },
    ]);
  });

  test('it is kept whatever a proxy passes on as the address of its sender', async () => {
    const proxied = await replicas.start({ env: { PROVIDER_AUTH_MODE: 'required', TRUST_PROXY: 'true' } });
    const { status } = await proxied.send('PUT', `/api/v1/providers/${machine.providerId}/delegation`, {
      body: await machine.left(),
      headers: { 'x-forwarded-for': 'x'.repeat(100) },
    });
    expect(status).toBe(202);
    await proxied.stop();
  });

  test('a repeat is answered as the first was, and stands in the audit log once', async () => {
    const left = await machine.left();
    const [first, again] = [await leave(left), await leave(left)];
    expect([again.status, again.json]).toEqual([202, first.json]);
    const { rows } = await pool().query('select action from audit_log where target = $1', [machine.providerId]);
    expect(rows).toHaveLength(1);
  });

  test('a new key of a bound provider, and one whose time is over, fetch what takes their place', async () => {
    await bindNodeKey(pool(), machine);
    const set = (change: string) =>
      pool().query(`update provider_identities set ${change} where provider_id = $1`, [machine.providerId]);
    await set(`issued_at = now() - interval '1 day'`);
    const replaced = newWallet();
    expect((await fetched(replaced)).json).toMatchObject({ status: 401, code: 'delegation_invalid' });
    await leave(await signed({ nodeKey: replaced.address }));
    expect(await delegationsOf(replaced)).toHaveLength(1);
    // The answers are for the key that speaks for the provider.
    expect((await fetched(replaced)).json.responses).toEqual([]);

    await set('expires_at = now()');
    expect((await fetched()).json).toMatchObject({ status: 401, code: 'delegation_invalid' });
    await leave(await machine.left());
    expect(await delegationsOf()).toHaveLength(1);
  });

  test('a key that was replaced gets nothing any more', async () => {
    await bindNodeKey(pool(), machine);
    const old = newWallet();
    await pool().query('insert into provider_revoked_keys (provider_id, node_key, revoked_at) values ($1, $2, now())', [
      machine.providerId,
      old.address.toLowerCase(),
    ]);
    expect((await leave(await signed({ nodeKey: old.address }))).json).toMatchObject({ code: 'delegation_invalid' });
  });

  test('a newer one of the same wallet takes its place, and an older one does not come back', async () => {
    const [older, newer] = [await signed({ nowMs: Date.now() - 5_000 }), await signed()];
    for (const left of [older, newer, older]) expect((await leave(left)).status).toBe(202);
    expect(await delegationsOf()).toEqual([newer]);
  });

  test('of several wallets the machine sees all, and only a few wait for one key', async () => {
    for (let wallets = 1; wallets <= 4; wallets++)
      expect((await leave(await machine.left(newWallet()))).status).toBe(202);
    expect(await delegationsOf()).toHaveLength(4);
    expect((await leave(await machine.left())).json).toMatchObject({ status: 403, code: 'quota_exceeded' });
    await pool().query(`update left_delegations set good_until = now() where node_key = $1`, [
      machine.nodeKey.address.toLowerCase(),
    ]);
    expect((await leave(await machine.left())).status).toBe(202);
    expect(await delegationsOf()).toHaveLength(1);
  });

  test('it is gone when it could not be used any more', async () => {
    await leave(await machine.left());
    await pool().query('update left_delegations set good_until = now()');
    expect(await delegationsOf()).toEqual([]);
    expect(await pruneLeftDelegations(pool(), new Date())).toBeGreaterThan(0);
  });
});

describe('what is no delegation for the machine', () => {
  const strangers = newWallet();
  test.each<[string, () => Promise<object>, number, string]>([
    ['another provider', () => signed({ providerId: 'prov-other' }), 401, 'delegation_invalid'],
    ['another broker', () => signed({ audience: 'https://evil.example.com' }), 401, 'delegation_invalid'],
    ['another chain', () => signed({ chainId: 999 }), 401, 'delegation_invalid'],
    ['too long a time', () => signed({ validForS: 91 * 86_400 }), 401, 'delegation_invalid'],
    ['a time that is over', () => signed({ nowMs: Date.now() - 100_000, validForS: 10 }), 401, 'delegation_invalid'],
    ['long ago', () => signed({ nowMs: Date.now() - 700_000 }), 401, 'timestamp_skew'],
    ['the future', () => signed({ nowMs: Date.now() + 700_000 }), 401, 'timestamp_skew'],
    [
      'a wallet that did not sign',
      async () => ({ ...(await signed()), regsig: (await signed({}, strangers)).regsig }),
      ...([401, 'delegation_invalid'] as const),
    ],
    ['no delegation', async () => ({ ...(await signed()), reg: '{}' }), 400, 'malformed_request'],
    ['no signature', async () => ({ ...(await signed()), regsig: 'yes' }), 400, 'malformed_request'],
    ['a field too many', async () => ({ ...(await signed()), wallet: '0x' }), 422, 'validation_failed'],
    ['no reg', async () => ({ regsig: '0x' }), 422, 'validation_failed'],
  ])('one about %s is refused, and nothing is left', async (_, make, status, code) => {
    const reply = await leave(await make());
    expect([reply.status, reply.json]).toMatchObject([status, { code }]);
    expect(await delegationsOf()).toEqual([]);
  });

  test('one of a stranger is refused for a provider that has an owner, signed or not', async () => {
    await bindNodeKey(pool(), machine);
    expect((await leave(await machine.left(newWallet()))).json).toMatchObject({ code: 'provider_not_yours' });
    // In service by the word of an operator, with a wallet that it only named.
    const unsigned = httpsProvider();
    await putProvider(pool(), { providerId: unsigned.providerId });
    expect((await leave(await unsigned.left(), unsigned.providerId)).json).toMatchObject({
      code: 'provider_not_yours',
    });
  });

  test('what is left would be accepted in a registration, and what is refused would not be', async () => {
    const verifier = createProviderVerifier({ config: api.config, pool: pool(), recover: createRecover() });
    const would = async (left: Left) => {
      const sign = providerSigner({
        nodeKey: machine.nodeKey,
        audience,
        delegation: left as Awaited<ReturnType<typeof signed>>,
      });
      const fields = await sign(registrationStream, machine.bareRegistration().data);
      return (await verifier.dryRun({ stream: registrationStream, fields, providerId: machine.providerId })).accepted;
    };
    for (const [left, isGood] of [
      [await signed(), true],
      [await signed({ nowMs: Date.now() - 590_000 }), true],
      [await signed({ nowMs: Date.now() - 610_000 }), false],
      [await signed({ chainId: 5 }), false],
    ] as const) {
      expect([(await leave(left)).status === 202, await would(left)]).toEqual([isGood, isGood]);
    }
  });
});

test('an address leaves only so many in a minute', async () => {
  const limited = await startReplicas({ env: { RATE_LIMIT_PROVIDERS: '3', PROVIDER_AUTH_MODE: 'required' } });
  try {
    const replies = [];
    for (let count = 0; count < 5; count++) {
      const other = httpsProvider();
      const target = `/api/v1/providers/${other.providerId}/delegation`;
      replies.push((await limited.api.send('PUT', target, { body: await other.left() })).status);
    }
    expect(replies).toEqual([202, 202, 202, 429, 429]);
  } finally {
    await limited.stop();
  }
});
