import type { RouteRule } from '../../src/api/route.js';
import type { Random } from '../support/random.js';
import type { TriedApi } from '../support/tried-api.js';
import type { Mutations } from './mutations.js';
import { signatureHeaders } from '../../src/wire/request-signature.js';

/** A request as it is sent. */
interface RawRequest {
  head: string;
  body: Buffer;
}

/** Almost valid requests for every route: a valid or almost valid credential, and one to three things wrong. */
export function createRequests(tried: TriedApi, rules: readonly RouteRule[], random: Random, mutations: Mutations) {
  const { chance, text, json, cursor } = mutations;

  return async (): Promise<RawRequest> => {
    const rule = random.pick(rules);
    const good = await tried.attempt(rule);
    let { target } = good;
    let body = good.body === undefined ? '' : JSON.stringify(good.body);
    const { shape = {} } = rule.request?.query ?? {};
    const query = Object.keys(shape).filter(() => chance(0.4));
    if (query.length > 0) {
      const values = query.map((name) => `${name}=${encode(name === 'cursor' ? cursor() : text('1'))}`);
      target += `${target.includes('?') ? '&' : '?'}${values.join('&')}`;
    }
    if (good.body !== undefined && chance(0.7)) body = json(good.body);
    if (chance(0.1)) target = target.replace(/[^/?=&]+$/, (last) => encode(text(last)));
    if (chance(0.03)) target = text(target).replace(/[^\x21-\xff]/g, '');
    const headers: [string, string][] = [
      ['host', 'broker.example.com'],
      ...(body === '' ? [] : ([['content-type', 'application/json']] as [string, string][])),
      ...Object.entries(await tried.credential(rule, target, body)),
    ];
    if (chance(0.3)) headers.push(['idempotency-key', chance(0.5) ? text('key-1') : 'key-1']);
    if (chance(0.2)) headers.push(['prefer', text('wait=1')]);
    if (chance(0.1)) headers.push(random.pick([...headers]));
    if (chance(0.1)) headers.push([random.pick(names), text('x')]);
    if (chance(0.1)) {
      const changed = random.pick(headers);
      changed[1] = text(changed[1]);
    }
    if (chance(0.02)) for (let at = 0; at < random.whole(50, 2_000); at++) headers.push(['x', '']);
    const bytes = Buffer.from(body);
    if (bytes.length > 0 || chance(0.05)) headers.push(['content-length', String(bytes.length)]);
    const lines = headers.map(
      ([name, value]) =>
        `${name}: ${Buffer.from(value)
          .toString('latin1')
          .replace(/[\r\n]/g, '')}`,
    );
    return {
      head: `${rule.method} ${target === '' ? '/' : target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`,
      body: bytes,
    };
  };
}

const names = [
  'accept',
  'authorization',
  'content-encoding',
  'cookie',
  'expect',
  'if-none-match',
  'origin',
  'range',
  'te',
  'upgrade',
  'user-agent',
  'x-forwarded-for',
  'x-request-id',
  ...Object.values(signatureHeaders),
];

function encode(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    // Half a surrogate pair.
    return '%ED%A0%80';
  }
}
