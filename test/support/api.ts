import { randomBytes } from 'node:crypto';
import type { LocalAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { pino } from 'pino';
import { createApi } from '../../src/api/app.js';
import type { ApiDeps } from '../../src/api/deps.js';
import type { JobCommands } from '../../src/api/job-commands.js';
import { createEventStreams, streamLimits, type StreamLimits } from '../../src/api/event-streams.js';
import { siteResolver } from '../../src/api/resolve-image.js';
import { brokerRoutes, type BrokerRouteDeps } from '../../src/api/routes/index.js';
import { createLimiter } from '../../src/api/limiter.js';
import { startApiServer } from '../../src/api/server.js';
import type { StaticPages } from '../../src/api/static-pages.js';
import { createAuth } from '../../src/auth/customers/auth.js';
import { login, type LoginOptions, type Session } from '../../src/client/session.js';
import type { Config } from '../../src/config.js';
import { createPool } from '../../src/db/pool.js';
import { BrokerError } from '../../src/domain/errors.js';
import { awaitReady, connectFailFast } from '../../src/redis/nonces.js';
import { testConfig } from './config.js';
import type { TestDatabase } from './database.js';
import type { TestRedis } from './redis.js';
import { canonicalRequest, signatureHeaders } from '../../src/wire/request-signature.js';

/** The audience that wallets and session keys sign for in tests, whatever address the test listens on. */
export const audience = 'https://broker.example.com';

const unlimited = {
  RATE_LIMIT_PER_IP: '1000000',
  RATE_LIMIT_READS: '1000000',
  RATE_LIMIT_WRITES: '1000000',
  RATE_LIMIT_JOBS: '1000000',
  RATE_LIMIT_LOGINS: '1000000',
  RATE_LIMIT_AUTH_FAILURES: '1000000',
  RATE_LIMIT_PROVIDERS: '1000000',
  RATE_LIMIT_PER_PROVIDER: '1000000',
};

/** The commands that the API sends to workflows. */
type Commands = { jobs: JobCommands } & Pick<
  BrokerRouteDeps,
  'providers' | 'vault' | 'announceRegistration' | 'announceMining' | 'announcePlacement' | 'announceKeys' | 'oversight'
>;

/** Commands of a broker whose Temporal is down; they record what they were called for. */
function refusingCommands(asked: string[]): Commands {
  const refuse = (id: string) => {
    asked.push(id);
    return Promise.reject(new BrokerError('dependency_unavailable', 'no workflows in this test'));
  };
  return {
    jobs: { startAndWait: ({ jobId }) => refuse(jobId), cancel: refuse, extend: refuse },
    providers: { order: refuse },
    vault: { signWithdrawal: refuse },
    announceRegistration: refuse,
    announceMining: refuse,
    announcePlacement: refuse,
    announceKeys: refuse,
    oversight: { reconcilerRuns: () => refuse(''), waiting: () => refuse('') },
  };
}

export interface ApiOptions {
  database: Pick<TestDatabase, 'config'>;
  redis: Pick<TestRedis, 'db'>;
  /** Environment variables. */
  env?: Record<string, string>;
  config?: Partial<Config>;
  /** Commands that are not given fail as if Temporal were down. */
  commands?: Partial<Commands>;
  /** Unix milliseconds: the clock of authentication. */
  now?: () => number;
  streams?: Partial<StreamLimits>;
  /** How it reads logs of machines, if it may. */
  logs?: Pick<BrokerRouteDeps, 'readLog' | 'logLimits'>;
  /** How it asks machines what jobs use, if it may. */
  askUse?: BrokerRouteDeps['askUse'];
  /** The documentation and the console. */
  pages?: StaticPages;
}

/** The API of one process of the broker. */
export interface Api {
  url: string;
  config: Config;
  /** Its dependencies: the rules of its routes follow from them. */
  deps: ApiDeps;
  /** Every log line. */
  logged: string[];
  /** The ids of the jobs and providers that default commands were called for. */
  asked: string[];
  /** Sends a request exactly as given, and returns the response whatever its status. */
  send(method: string, target: string, options?: SendOptions): Promise<Reply>;
  login(options?: Partial<LoginOptions>): Promise<Session>;
  stop(): Promise<void>;
  /** Cuts all connections at once, as the end of a process does. */
  kill(): Promise<void>;
}

export interface SendOptions {
  body?: unknown;
  headers?: Record<string, string>;
  /** A token, sent as `Authorization: Bearer`. */
  bearer?: string;
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // Tests read replies untyped: a wrong shape fails the expectation.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

/**
 * The API with a broker's authentication, database and Redis, on its own port and connections: start it twice over the
 * same database and Redis, and there are two replicas.
 */
export async function startApi({
  database,
  redis,
  env,
  config: overrides,
  commands,
  now,
  streams: limits,
  logs = {},
  askUse,
  pages,
}: ApiOptions): Promise<Api> {
  const logged: string[] = [];
  const asked: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const variables = { ...unlimited, AUTH_AUDIENCE: audience, PROXY_HOST: '127.0.0.1', PROXY_PORT: '0', ...env };
  const config = testConfig({ POSTGRES_DB: database.config.POSTGRES_DB, ...overrides }, variables);
  const pool = createPool(config);
  const connection = connectFailFast(config, { db: redis.db });
  await awaitReady(connection);
  const auth = createAuth({ config, pool, redis: connection, ...(now === undefined ? {} : { now }) });
  const limiter = createLimiter({ config, redis: connection });
  const streams = createEventStreams({ pool, config, logger }, { ...streamLimits, ...limits });
  const others = { ...refusingCommands(asked), ...commands };
  const deps: ApiDeps = {
    config,
    logger,
    authenticate: auth.authenticate,
    limiter,
    ...(pages === undefined ? {} : { pages }),
    routes: brokerRoutes({
      config,
      logger,
      pool,
      redis: connection,
      streams,
      auth,
      limiter,
      health: async () => ({}),
      images: siteResolver(config),
      ...others,
      ...logs,
      askUse,
    }),
  };
  const server = await startApiServer(createApi(deps), config);
  const url = `http://127.0.0.1:${server.address.port}`;
  const disconnect = async () => {
    connection.disconnect();
    await pool.end();
  };
  return {
    url,
    config,
    deps,
    logged,
    asked,
    send: (method, target, options) => send(url, method, target, options),
    login: (options = {}) => login({ api: url, audience, account: newWallet(), ...options }),
    async stop() {
      await streams.stop();
      await server.stop(1_000);
      await disconnect();
    },
    async kill() {
      await server.stop(0);
      await streams.stop();
      await disconnect();
    },
  };
}

/** The code of each reply, or its status if it has no code; sorted, because the order of replies is unknown. */
export function codes(replies: readonly Reply[]): (string | number)[] {
  return replies.map(({ status, json }): string | number => json?.code ?? status).sort();
}

/** A new wallet or session key. */
export function newWallet(): PrivateKeyAccount {
  return privateKeyToAccount(generatePrivateKey());
}

export interface RequestToSign {
  method: string;
  target: string;
  body?: unknown;
  audience?: string;
  /** Unix seconds. */
  timestamp?: number;
  nonce?: string;
}

/** The headers of a request's signature; a test can make parts of it wrong. */
export async function signedHeaders(key: LocalAccount, request: RequestToSign): Promise<Record<string, string>> {
  const { method, target, body } = request;
  const timestamp = String(request.timestamp ?? Math.floor(Date.now() / 1000));
  const nonce = request.nonce ?? randomBytes(16).toString('base64url');
  const bodyBytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
  const message = canonicalRequest(request.audience ?? audience, { method, target, bodyBytes }, { timestamp, nonce });
  return {
    [signatureHeaders.key]: key.address,
    [signatureHeaders.timestamp]: timestamp,
    [signatureHeaders.nonce]: nonce,
    [signatureHeaders.signature]: await key.signMessage({ message }),
  };
}

async function send(url: string, method: string, target: string, options: SendOptions = {}): Promise<Reply> {
  const { body, bearer, headers } = options;
  const response = await fetch(url + target, {
    method,
    redirect: 'error',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}
