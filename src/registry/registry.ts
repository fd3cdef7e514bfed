import { createHmac, randomBytes } from 'node:crypto';
import type { ImageReference } from '../domain/image.js';
import type { RegistryAuth } from '../domain/registry-auth.js';
import type { RegistryMirrors } from '../domain/registry-mirrors.js';
import { readChallenge } from './challenge.js';
import { exchange, type Answer, type Ask, type Trusted } from './exchange.js';
import { latelyUsed } from './lately-used.js';
import { NoAnswer, Refused } from './outcome.js';

/** What the operator says about registries. */
export interface RegistrySettings {
  /** Those that are asked without TLS, as they stand in images: `HOST[:PORT]`. */
  plain: readonly string[];
  /** Those that he spells out, and that may be at closed addresses. */
  isNamed: (registry: string) => boolean;
  /** Where images of a registry are looked up instead. */
  mirrors?: RegistryMirrors;
  /** Certificates that those, and mirrors, may be signed by, beside the usual ones; PEM. */
  ca?: string;
}

/** One image's repository, for one customer, until the time is over. */
export interface Repository {
  /** Asks below `/v2/<repository>/`. @throws Refused, NoAnswer */
  ask(path: string, ask: Pick<Ask, 'method' | 'maxBytes'> & { accept?: string }): Promise<Answer>;
  /** Whether its registry has answered anything so far. */
  hasAnswered(): boolean;
}

const maxRedirects = 3;
const maxTokenBytes = 64 * 1024;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What a token is good for whose registry does not say so, by the specification. */
const tokenDefaultS = 60;
/** Longer ones are asked for again, lest a login that was taken back is believed for hours. */
const tokenLongestS = 300;
const limitedDefaultS = 60;
const limitedLongestS = 3_600;

/** So that nothing in memory can be matched with a guessed password. */
const loginSecret = randomBytes(32);

/** Tells customers' logins apart; '' for nobody's. */
export function loginKey(auth: RegistryAuth | undefined): string {
  if (auth === undefined) return '';
  return createHmac('sha256', loginSecret)
    .update(JSON.stringify([auth.username, auth.password]))
    .digest('hex');
}

/** Speaks to registries by the OCI's distribution specification, with its tokens. */
export function createRegistries({ plain, isNamed, mirrors, ca }: RegistrySettings, now: () => number = Date.now) {
  const headers = latelyUsed<string>(2_000, now);

  return {
    /** @param login the login's `loginKey`. */
    repository(image: ImageReference, auth: RegistryAuth | undefined, login: string, signal: AbortSignal): Repository {
      const { registry, repository } = image;
      // A customer's login is for the registry that he named.
      const mirror = auth === undefined ? mirrors?.get(registry) : undefined;
      const origin = mirror ?? originOf(registry, plain);
      const { host } = new URL(origin);
      const base = new URL(`/v2/${repository}/`, origin);
      const isPlain = base.protocol === 'http:';
      const isTrusted = isPlain || mirror !== undefined || isNamed(registry);
      const trusted: Trusted = isTrusted ? { host, isPlain, ...(ca && { ca }) } : {};
      const key = JSON.stringify([registry, repository, login]);

      let hasAnswered = false;

      return {
        hasAnswered: () => hasAnswered,
        async ask(path, { accept, ...ask }) {
          const url = new URL(path, base);
          const get = (authorization: string | undefined) =>
            followed({
              ...ask,
              ...{ url, signal, trusted },
              headers: {
                ...(accept === undefined ? {} : { accept }),
                ...(authorization === undefined ? {} : { authorization }),
              },
            });
          let { answer, from } = await get(headers.get(key));
          hasAnswered = true;
          if (answer.status === 401) {
            requireOwn(from);
            const authorization = await authorize(answer);
            if (authorization === undefined) throw refusedLogin(auth);
            ({ answer, from } = await get(authorization));
            if (answer.status === 401) requireOwn(from);
          }
          return understood(answer, auth);
        },
      };

      /** The login is for the image's registry alone, and only that says who may have its images. */
      function requireOwn(origin: string): void {
        if (origin !== base.origin) throw new NoAnswer('nonsense', `${host} redirects to a host that wants a login`);
      }

      /** What to send to the registry, by its challenge; undefined if it wants a login and there is none. */
      async function authorize(answer: Answer): Promise<string | undefined> {
        const challenge = readChallenge(answer.headers['www-authenticate']);
        if (challenge === undefined) throw new NoAnswer('nonsense', `${host} wants a login of an unknown kind`);
        const basic =
          auth === undefined
            ? undefined
            : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
        if (challenge.scheme === 'basic') {
          if (basic !== undefined) headers.set(key, basic, now() + tokenLongestS * 1000);
          return basic;
        }
        const realm = challenge.realm;
        realm.searchParams.set('scope', `repository:${repository}:pull`);
        if (challenge.service !== undefined) realm.searchParams.set('service', challenge.service);
        realm.hash = '';
        // Redirects are not followed here: the login is for this host.
        const given = await exchange({
          ...{ url: realm, method: 'GET', maxBytes: maxTokenBytes, signal, trusted },
          headers: { accept: 'application/json', ...(basic === undefined ? {} : { authorization: basic }) },
        });
        if (given.status === 404) throw new NoAnswer('nonsense', `${realm.host} has no tokens`);
        const { token, expiresInS } = readToken(understood(given, auth));
        headers.set(key, `Bearer ${token}`, now() + Math.min(expiresInS, tokenLongestS) * 900);
        return `Bearer ${token}`;
      }
    },
  };
}

function originOf(registry: string, plain: readonly string[]): string {
  if (plain.includes(registry)) return `http://${registry}`;
  return `https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`;
}

/** Follows redirects to other open hosts, which get no login; `from` is the origin that has answered. */
async function followed(ask: Ask): Promise<{ answer: Answer; from: string }> {
  let { url, headers } = ask;
  for (let count = 0; ; count += 1) {
    const answer = await exchange({ ...ask, url, headers });
    if (!redirects.has(answer.status)) return { answer, from: url.origin };
    if (count === maxRedirects) throw new NoAnswer('nonsense', `${ask.url.host} redirects again and again`);
    const to = answer.headers.location;
    if (to === undefined || !URL.canParse(to, url.href))
      throw new NoAnswer('nonsense', `${url.host} redirects nowhere`);
    const next = new URL(to, url);
    if (next.origin !== url.origin) {
      const { authorization: _, ...others } = headers;
      headers = others;
    }
    url = next;
  }
}

/** @throws Refused, NoAnswer for whatever is no success. */
function understood(answer: Answer, auth: RegistryAuth | undefined): Answer {
  const { status, headers } = answer;
  if (status === 200) return answer;
  if (status === 404) throw new Refused('image_not_found', 'is not in its registry');
  if (status === 401 || status === 403) throw refusedLogin(auth);
  if (status === 429)
    throw new NoAnswer('limited', 'the registry has had too many requests', retryAfterMs(headers['retry-after']));
  throw new NoAnswer('failing', `the registry answered with status ${status}`);
}

function refusedLogin(auth: RegistryAuth | undefined): Refused {
  return auth === undefined
    ? new Refused('image_private', 'is given to nobody without a login, or is not in its registry')
    : new Refused('image_private', 'is not given to the login in registry_auth, or is not in its registry');
}

function retryAfterMs(header: string | undefined): number {
  const seconds = /^\d{1,9}$/.test(header ?? '')
    ? Number(header)
    : Math.ceil((Date.parse(header ?? '') - Date.now()) / 1000);
  return 1000 * (Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), limitedLongestS) : limitedDefaultS);
}

function readToken({ body }: Answer): { token: string; expiresInS: number } {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    json = undefined;
  }
  const { token, access_token, expires_in } = (typeof json === 'object' && json !== null ? json : {}) as Record<
    string,
    unknown
  >;
  const text = token ?? access_token;
  if (typeof text !== 'string' || !/^[\x21-\x7e]+$/.test(text))
    throw new NoAnswer('nonsense', 'the registry gave no token');
  return { token: text, expiresInS: typeof expires_in === 'number' && expires_in > 0 ? expires_in : tokenDefaultS };
}
