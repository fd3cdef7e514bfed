import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import pg from 'pg';
import { createApi } from '../../src/api/app.js';
import type { ApiDeps } from '../../src/api/deps.js';
import type { JobCommands } from '../../src/api/job-commands.js';
import { siteResolver } from '../../src/api/resolve-image.js';
import type { ImageResolver } from '../../src/registry/resolver.js';
import { createLimiter } from '../../src/api/limiter.js';
import type { RouteRule } from '../../src/api/route.js';
import { healthRoutes, type Health } from '../../src/api/routes/health.js';
import { jobRoutes } from '../../src/api/routes/jobs.js';
import { providerRoutes } from '../../src/api/routes/providers.js';
import { startApiServer } from '../../src/api/server.js';
import type { Principal, SessionPrincipal } from '../../src/auth/customers/principal.js';
import { readConfig, type Config } from '../../src/config.js';
import { BrokerError } from '../../src/domain/errors.js';

export const walletA = `0x${'a'.repeat(40)}`;
export const walletB = `0x${'b'.repeat(40)}`;

/** The session of each wallet; tests with a database put it there. */
export const testSessions: Record<string, string> = {
  [walletA]: '00000000-0000-7000-8000-00000000000a',
  [walletB]: '00000000-0000-7000-8000-00000000000b',
};

/** A route of a test's own that is open to everybody, but for what the test says. */
export function testRoute(given: Partial<RouteRule> & Pick<RouteRule, 'path' | 'handler'>): RouteRule {
  return {
    method: 'GET',
    auth: 'none',
    scopes: [],
    limit: 'read',
    summary: '',
    responses: { 200: { description: '' } },
    errors: [],
    ...given,
  };
}

/** Who may call in these tests: a bearer that names itself. How a credential is checked is tested where that is done. */
const principals: Record<string, Principal> = {
  a: principal(walletA),
  b: principal(walletB),
  'a-read': { ...principal(walletA), scopes: ['jobs:read'] },
  'a-provider': { ...principal(walletA), scopes: ['providers:read', 'providers:write'] },
  'b-provider': { ...principal(walletB), scopes: ['providers:read', 'providers:write'] },
  operator: { ...principal(walletB), kind: 'signed', scopes: ['admin'] },
  'a-signed': { ...principal(walletA), kind: 'signed' },
  proof: { kind: 'proof', wallet: '', scopes: [], sessionKey: walletA },
};

function principal(wallet: string): SessionPrincipal {
  return {
    wallet,
    scopes: ['jobs:read', 'jobs:write', 'providers:read'],
    kind: 'bearer',
    sessionId: testSessions[wallet]!,
    sessionKey: wallet,
    expiresAt: new Date(Date.now() + 3_600_000),
    spend: { limit: 0n, reserved: 0n, spent: 0n },
  };
}

export const noJobs: JobCommands = {
  startAndWait: () => Promise.reject(new BrokerError('dependency_unavailable', 'no jobs in this test')),
  cancel: () => Promise.reject(new BrokerError('dependency_unavailable', 'no jobs in this test')),
  extend: () => Promise.reject(new BrokerError('dependency_unavailable', 'no jobs in this test')),
};

const unlimited = {
  RATE_LIMIT_PER_IP: '1000000',
  RATE_LIMIT_READS: '1000000',
  RATE_LIMIT_WRITES: '1000000',
  RATE_LIMIT_JOBS: '1000000',
};
/** Given one by one, so that these tests do not depend on what an absent flag means. */
const everyFlag = Object.fromEntries(
  [
    'TRUST_PROXY',
    'REDIS_TLS',
    'ENABLE_TENANT_ISOLATION',
    'IMAGE_REQUIRE_DIGEST',
    'AUTH_SMART_WALLETS',
    'ALLOW_INSECURE_PROVIDERS',
    'ENABLE_BLOCKCHAIN',
  ].map((name) => [name, 'false']),
);

export interface TestApi {
  url: string;
  port: number;
  /** Every line that was logged. */
  logged: string[];
  send(method: string, path: string, options?: SendOptions): Promise<Reply>;
  /** Bytes as they are, answered with bytes as they come. */
  raw(text: string): Promise<string>;
  stop(graceMs?: number): Promise<void>;
}

export interface SendOptions {
  as?: keyof typeof principals;
  json?: unknown;
  body?: string | Buffer;
  headers?: Record<string, string>;
}

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  // Replies are looked into freely: a wrong shape fails the expectation.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  json: any;
}

interface GivenToApi extends Partial<Omit<ApiDeps, 'config'>> {
  pool?: pg.Pool;
  jobs?: JobCommands;
  images?: ImageResolver;
  health?: Health;
  env?: Record<string, string>;
  config?: Partial<Config>;
}

/**
 * The API on a port of its own, with the real server and middlewares, and with the routes of health, providers and jobs
 * beside those that the test gives.
 */
export async function startTestApi(given: GivenToApi = {}): Promise<TestApi> {
  const logged: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const config = {
    ...readConfig({ ...unlimited, ...everyFlag, IMAGE_RESOLVE: 'off', ...given.env }),
    ...given.config,
    PROXY_PORT: 0,
    PROXY_HOST: '127.0.0.1',
  };
  // The pool never connects where a test does not bring a database.
  const { pool = new pg.Pool(), jobs = noJobs, images, health = async () => ({}), routes = [], ...others } = given;
  const app = createApi({
    logger,
    authenticate: async ({ headers }) => {
      const name = headers.authorization?.replace('Bearer ', '');
      if (name === undefined) return undefined;
      const known = principals[name];
      if (known === undefined) throw new BrokerError('session_unknown', 'no such session');
      return known;
    },
    limiter: createLimiter({ config }),
    ...others,
    routes: [
      ...healthRoutes(health),
      ...providerRoutes({ config, pool }),
      ...jobRoutes({ config, pool, jobs, logger, images: images ?? siteResolver(config) }),
      ...routes,
    ],
    config,
  });
  const server = await startApiServer(app, config);
  const { port } = server.address;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    logged,
    send: (method, path, options) => send(port, method, path, options),
    raw: (text) => raw(port, text),
    stop: (graceMs = 1_000) => server.stop(graceMs),
  };
}

async function send(port: number, method: string, path: string, options: SendOptions = {}): Promise<Reply> {
  const body = options.json === undefined ? options.body : JSON.stringify(options.json);
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    method,
    path,
    headers: {
      ...(options.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.as === undefined ? {} : { authorization: `Bearer ${options.as}` }),
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      ...options.headers,
    },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = decoded(Buffer.concat(chunks), response.headers['content-encoding']).toString();
  const isJson = response.headers['content-type']?.includes('json') === true && text !== '';
  return { status: response.statusCode!, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

function decoded(bytes: Buffer, coding: string | undefined): Buffer {
  if (bytes.length === 0 || coding === undefined) return bytes;
  return coding === 'br' ? brotliDecompressSync(bytes) : gunzipSync(bytes);
}

async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.setTimeout(2_000, () => socket.destroy());
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}
