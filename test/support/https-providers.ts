import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { pino } from 'pino';
import type { Session } from '../../src/client/session.js';
import { authorizeNodeKey, providerSigner, responsesSigner } from '../../src/provider-agent/signer.js';
import { createProviderVerifier } from '../../src/auth/providers/identity.js';
import { createRecover } from '../../src/auth/recover.js';
import type { Config } from '../../src/config.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { heartbeatMessage, registrationMessage } from '../../engines/simulated-provider/messages.js';
import { startRelay } from '../../src/roles/relay/relay.js';
import { createProviderSignals } from '../../src/temporal/providers.js';
import { audience, newWallet, startApi } from './api.js';
import { createWorld } from './world.js';
import type { Scope } from '../../src/wire/scopes.js';

export const chainId = 1;
export const registrationStream = 'provider:registration';

export type Frontier = Awaited<ReturnType<typeof createFrontier>>;
export type ApiUnderTest = Awaited<ReturnType<Frontier['apiIn']>>;

/** A world with a relay that checks signatures, whose providers use HTTPS. */
export async function createFrontier() {
  const world = await createWorld({ PROVIDER_AUTH_MODE: 'permissive', AUTH_AUDIENCE: audience });
  const { config, temporal, redis, database } = world;
  const operator = newWallet();
  const relay = startRelay({
    config,
    pool: database.pool,
    temporal: temporal.client,
    logger: pino({ level: 'silent' }),
    verifier: createProviderVerifier({ config, pool: database.pool, recover: createRecover() }),
    redisDb: redis.db,
  });
  const apis: { stop(): Promise<void> }[] = [];

  return {
    world,
    /** The wallet that the APIs know as an operator's. */
    operator,
    /** The API of a broker with this mode of authentication. */
    async apiIn(mode: Config['PROVIDER_AUTH_MODE']) {
      const env = { ADMIN_WALLETS: operator.address, PROVIDER_AUTH_MODE: mode };
      const { registrationReceived: announceRegistration } = createProviderSignals(temporal.client, config);
      const api = await startApi({ database, redis, env, config: temporal.config, commands: { announceRegistration } });
      apis.push(api);
      const send = (method: string, target: string, body?: unknown, headers: Record<string, string> = {}) =>
        api.send(method, target, { body, headers });
      return {
        ...api,
        send,
        /** Sends a message as a provider does. */
        post: (message: object) => send('POST', '/api/v1/providers/messages', message),
        login: (account = newWallet(), scopes: readonly Scope[] = ['providers:write']): Promise<Session> =>
          api.login({ account, scopes }),
      };
    },
    entriesOf: async (stream: string, providerId: string) =>
      (await redis.redis.xrange(stream, '-', '+')).filter(([, fields]) =>
        fields.some((text) => text.includes(providerId)),
      ),
    rowOf: async (providerId: string) =>
      (await database.pool.query('select * from providers where provider_id = $1', [providerId])).rows[0],
    async close() {
      await Promise.all(apis.map((api) => api.stop()));
      await relay.stop();
      await world.close();
    },
  };
}

/** Binds a machine's key to its provider, as its first signed registration does. */
export async function bindNodeKey(pool: Pool, { providerId, wallet, nodeKey }: ReturnType<typeof httpsProvider>) {
  await pool.query(
    `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id, spec_hash,
                                      issued_at, expires_at, bound_at)
     values ($1, $2, $3, '{}', '', 1, $4, now(), now() + interval '1 day', now())`,
    [providerId, wallet.address.toLowerCase(), nodeKey.address.toLowerCase(), `0x${'0'.repeat(64)}`],
  );
}

/** A body of `POST /api/v1/providers/messages`. */
type Message = Record<string, string> & { stream: string };

/** A provider that uses HTTPS. */
export function httpsProvider() {
  const [wallet, nodeKey] = [newWallet(), newWallet()];
  const providerId = `web-${randomBytes(5).toString('hex')}`;
  const machine = simulatedMachine({ providerId, wallet: wallet.address, address: '198.18.0.7' });
  const sign = providerSigner({ nodeKey, audience, wallet, chainId });
  const signTarget = responsesSigner({ providerId, nodeKey, audience });
  return {
    providerId,
    wallet,
    nodeKey,
    /** Creates the headers of a request for its answers. */
    signTarget,
    /** Signs a message's text, whatever its other fields say. */
    signData: sign,
    registration: async (change: object = {}): Promise<Message> => ({
      stream: registrationStream,
      ...(await sign(registrationStream, JSON.stringify({ ...registrationMessage(machine), ...change }))),
    }),
    heartbeat: async (): Promise<Message> => ({
      stream: 'provider:heartbeat',
      ...(await sign('provider:heartbeat', JSON.stringify(heartbeatMessage(machine, providerId)))),
    }),
    bareRegistration: (change: object = {}) => ({
      stream: registrationStream,
      data: JSON.stringify({ ...registrationMessage(machine), ...change }),
      timestamp: '2026-01-01T00:00:00Z',
    }),
    bareHeartbeat: () => ({
      stream: 'provider:heartbeat',
      data: JSON.stringify(heartbeatMessage(machine, providerId)),
      timestamp: '2026-01-01T00:00:00Z',
    }),
    /** What its owner leaves for it, or a stranger. */
    left: (by = wallet) => authorizeNodeKey(by, { providerId, nodeKey: nodeKey.address, audience, chainId }),
    delegation: async () => {
      const { reg, regsig } = await authorizeNodeKey(wallet, {
        providerId,
        nodeKey: nodeKey.address,
        audience,
        chainId,
      });
      return { message: JSON.parse(reg) as object, signature: regsig };
    },
    async responses(api: ApiUnderTest, after = '0', signer = signTarget) {
      const target = `/api/v1/providers/${providerId}/responses?after=${after}`;
      return await api.send('GET', target, undefined, await signer(target));
    },
  };
}
