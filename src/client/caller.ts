import { createCredentials, type Credentials } from './credentials.js';
import { isCode, WorldLandError } from './errors.js';
import { exchange, openStream, requireSuccess, type Fetch, type Reply } from './exchange.js';
import { withRetries } from './retry.js';
import { openRoutes, signedRoutes } from './routes.generated.js';
import { memoryStore, type Store } from './stores.js';

export interface ConnectOptions {
  /** The broker's address, such as `https://broker.example.com`, with the path that a proxy removes, if any. */
  api: string;
  /** A bearer token to use instead of a login, such as one of the environment of a CI. */
  token?: string;
  /** Where a login is kept. Default: in memory. */
  store?: Store;
  /** The broker's public origin, if it differs from that of `api`: behind a port forward, for example. */
  audience?: string;
  /** Default: the one of the platform. */
  fetch?: Fetch;
  /** How long one attempt may take until its answer has arrived. Default: 30,000. */
  timeoutMs?: number;
  /** How often a request is repeated that may be. Default: 4. */
  retries?: number;
  /** Goes into `user-agent`, where the platform lets a client set it. */
  userAgent?: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Input {
  params?: Record<string, string>;
  /** Undefined members are left out. */
  query?: Record<string, string | number | boolean | readonly string[] | undefined>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  /** `auto` is what the route requires: a signature, a token if there is one, or nothing. */
  auth?: 'auto' | 'none' | 'token' | 'signed';
  /** Sent as `Idempotency-Key`: with one, a POST is repeated after a failure. */
  idempotencyKey?: string | undefined;
  /** True for a POST that changes nothing. */
  safe?: boolean;
}

/** Sends requests with the credential that each of them needs, and repeats those that may be repeated. */
export interface Caller {
  readonly base: string;
  readonly audience: string;
  readonly credentials: Credentials;
  /** A route of the table, by its pattern: `GET /api/v1/jobs/:id`. */
  call<T>(route: string, input?: Input): Promise<T>;
  /** The same, with status and headers. */
  reply<T>(route: string, input?: Input): Promise<Reply<T>>;
  request<T>(method: Method, path: string, input?: Input): Promise<Reply<T>>;
  /** One request with one answer, whatever its status; only a wrong clock is set and makes a second one. */
  answer(method: Method, path: string, input?: Input): Promise<Reply>;
  /** A route whose answer goes on; it is not repeated. */
  stream(route: string, input?: Input): Promise<Response>;
  /** Path and query of a route, as they are sent. */
  targetOf(route: string, input?: Input): string;
}

const defaultTimeoutMs = 30_000;
const defaultRetries = 4;
const repeatableMethods: ReadonlySet<string> = new Set(['GET', 'PUT', 'DELETE']);

export function createCaller(options: ConnectOptions): Caller {
  const { origin, prefix } = addressOf(options.api);
  const send = options.fetch ?? ((url, init) => fetch(url, init));
  const audience = options.audience ?? origin;
  const base = origin + prefix;
  const credentials = createCredentials({ broker: base, store: options.store ?? memoryStore(), token: options.token });

  const mint = async () =>
    await call<{ token: string; token_id: string; expires_at: string }>('POST /api/v1/auth/tokens', { body: {} });

  async function prepared(method: Method, path: string, input: Input, body: string | undefined) {
    const target = prefix + path + queryOf(input.query);
    const { auth = 'auto' } = input;
    const kind = auth === 'auto' ? authOf(method, path) : auth;
    const credential =
      kind === 'none'
        ? {}
        : kind === 'signed'
          ? await credentials.signed({ method, target, body: body ?? '' })
          : await credentials.bearer(mint);
    const headers = {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.userAgent === undefined ? {} : { 'user-agent': options.userAgent }),
      ...(input.idempotencyKey === undefined ? {} : { 'idempotency-key': input.idempotencyKey }),
      ...lowerKeys(input.headers),
      ...credential,
    };
    const timeoutMs = input.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs;
    return { method, url: origin + target, headers, body, timeoutMs, signal: input.signal };
  }

  /** Tries once more where the credential, and nothing else, was out of date. */
  async function withFreshCredential<T>(attempt: () => Promise<T>): Promise<T> {
    for (let renewed = false; ; renewed = true) {
      try {
        return await attempt();
      } catch (error) {
        if (renewed || !renews(error)) throw error;
      }
    }
  }

  function renews(error: unknown): boolean {
    if (isCode(error, 'timestamp_skew')) {
      const { server_time: serverTime } = error.data;
      if (typeof serverTime === 'number') credentials.setClock(serverTime);
      return typeof serverTime === 'number';
    }
    return isCode(error, 'session_unknown') && credentials.dropToken();
  }

  async function request<T>(method: Method, path: string, input: Input = {}): Promise<Reply<T>> {
    const body = input.body === undefined ? undefined : JSON.stringify(input.body);
    const repeatable = repeatableMethods.has(method) || input.idempotencyKey !== undefined || input.safe === true;
    const attempts = { retries: options.retries ?? defaultRetries, repeatable, signal: input.signal };
    return (await withRetries(attempts, () =>
      withFreshCredential(async () => {
        const sent = await prepared(method, path, input, body);
        return requireSuccess(await exchange(send, sent), sent.url);
      }),
    )) as Reply<T>;
  }

  async function answer(method: Method, path: string, input: Input = {}): Promise<Reply> {
    const body = input.body === undefined ? undefined : JSON.stringify(input.body);
    const once = async () => await exchange(send, await prepared(method, path, input, body));
    const reply = await once();
    const { code, server_time: serverTime } = (reply.body ?? {}) as { code?: unknown; server_time?: unknown };
    if (code !== 'timestamp_skew' || typeof serverTime !== 'number') return reply;
    credentials.setClock(serverTime);
    return await once();
  }

  function partsOf(route: string, { params = {} }: Input): [Method, string] {
    const [method, pattern] = route.split(' ') as [Method, string];
    return [method, pathOf(pattern, params)];
  }

  const reply = async <T>(route: string, input: Input = {}) => await request<T>(...partsOf(route, input), input);

  async function call<T>(route: string, input: Input = {}): Promise<T> {
    return (await reply<T>(route, input)).body;
  }

  return {
    base,
    audience,
    credentials,
    call,
    request,
    reply,
    answer,
    stream: (route, input = {}) =>
      withFreshCredential(
        async () => await openStream(send, await prepared(...partsOf(route, input), input, undefined)),
      ),
    targetOf: (route, input = {}) => prefix + partsOf(route, input)[1] + queryOf(input.query),
  };
}

function addressOf(api: string): { origin: string; prefix: string } {
  const url = URL.canParse(api) ? new URL(api) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    const detail = `"${api}" is not the address of a broker, such as https://broker.example.com`;
    throw new WorldLandError('validation_failed', detail, { fields: [{ field: 'api', message: detail }] });
  }
  // People paste the address of a route, and mean its broker.
  const prefix = url.pathname.replace(/\/(?:api(?:\/v1)?)?\/?$/, '');
  return { origin: url.origin, prefix };
}

/** A route's path with its parameters; each is one segment, whatever it holds. */
function pathOf(pattern: string, params: Record<string, string>): string {
  return pattern.replace(/:([a-z_]+)/gi, (_, name: string) => {
    const value = params[name] ?? '';
    // A URL parser would take these segments away, and another route would be asked.
    if (value === '' || value === '.' || value === '..')
      throw new WorldLandError('validation_failed', `"${value}" is not acceptable as ${name}`);
    return encodeURIComponent(value);
  });
}

function queryOf(query: Input['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, typeof value === 'object' ? value.join(',') : String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

function authOf(method: Method, path: string): 'none' | 'token' | 'signed' {
  const target = `${method} ${path.split('?')[0]!}`;
  if (signedRoutes.some((route) => matches(route, target))) return 'signed';
  return openRoutes.some((route) => matches(route, target)) ? 'none' : 'token';
}

function matches(route: string, target: string): boolean {
  const [wanted, given] = [route.split('/'), target.split('/')];
  return wanted.length === given.length && wanted.every((part, at) => part.startsWith(':') || part === given[at]);
}

function lowerKeys(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
