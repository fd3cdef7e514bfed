import type { Address, Hex } from 'viem';

/**
 * How `wl` hands a signature over to a browser wallet. It opens the page `signPagePath` of the broker with what to sign
 * in the fragment, which reaches no server. The page shows it, has the wallet sign it, and navigates to a listener of
 * `wl` on this computer with the answer, or shows the answer as text to paste. What comes back is worth nothing without
 * the key that never left `wl`.
 */
export const signPagePath = '/console/sign';

/** What `wl` asks a wallet to sign. */
export type SignRequest = LoginSignRequest | ProviderSignRequest;

interface HandOff {
  /** Four words that the terminal shows as well, separated by `-`. */
  code: string;
  /** Where `wl` listens on 127.0.0.1; absent if the answer is to be pasted into the terminal. */
  port?: number;
  /** The secret path of the listener, beginning with `/`; present exactly if `port` is. */
  path?: string;
  /** The only acceptable chain; the wallet's own if absent. */
  chainId?: number;
}

/** A wallet lets a session key speak for it: the page asks `POST /api/v1/auth/challenge` with these values. */
export interface LoginSignRequest extends HandOff {
  kind: 'login';
  sessionKey: Address;
  scopes: readonly string[];
  /** Base units, in decimal digits. */
  spendLimit: string;
  ttlSeconds: number;
  /** The computer that logs in, for people. */
  label?: string;
}

/** A wallet lets a key on a provider's machine speak for the provider: the page signs a `ProviderRegistration`. */
export interface ProviderSignRequest extends HandOff {
  kind: 'provider';
  providerId: string;
  nodeKey: Address;
  validForS: number;
}

/**
 * What the page answers: what `wl` did not know of the message, and the signature. The rest of the message is what was
 * asked for, so a page cannot have something else registered.
 */
export interface SignAnswer {
  wallet: Address;
  chainId: number;
  /** Unix seconds. */
  issuedAt: number;
  expiresAt: number;
  nonce: Hex;
  signature: Hex;
}

/** A page that its person left with "no" answers this instead. */
export interface SignRefusal {
  refused: true;
}

const hexAddress = /^0x[0-9a-fA-F]{40}$/;
const number = /^[0-9]{1,15}$/;
const words = /^[a-z]{2,12}(?:-[a-z]{2,12}){3}$/;
const listenerPath = /^\/[A-Za-z0-9_-]{22,64}$/;
const provider = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The fragment of the page's address, without `#`. */
export function signFragment(request: SignRequest): string {
  const { code, port, path, chainId } = request;
  const asked =
    request.kind === 'login'
      ? {
          k: request.sessionKey,
          scopes: [...request.scopes].sort().join(' '),
          limit: request.spendLimit,
          ttl: String(request.ttlSeconds),
          label: request.label,
        }
      : { k: request.nodeKey, provider: request.providerId, ttl: String(request.validForS) };
  return textOf({ kind: request.kind, ...asked, chain: numberText(chainId), port: numberText(port), path, code });
}

/**
 * Parses the fragment, which anybody may have written: the page shows what it says and never trusts it.
 *
 * @returns undefined if it is no request of this form.
 */
export function readSignFragment(fragment: string): SignRequest | undefined {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''));
  const get = (name: string) => fields.get(name) ?? '';
  const [key, ttl, code, chain, port, path] = [
    get('k'),
    get('ttl'),
    get('code'),
    get('chain'),
    get('port'),
    get('path'),
  ];
  if (!hexAddress.test(key) || !number.test(ttl) || Number(ttl) === 0 || !words.test(code)) return undefined;
  if (chain !== '' && (!number.test(chain) || Number(chain) === 0)) return undefined;
  if ((port === '') !== (path === '')) return undefined;
  if (port !== '' && (!isPort(port) || !listenerPath.test(path))) return undefined;
  const handOff: HandOff = {
    code,
    ...(chain === '' ? {} : { chainId: Number(chain) }),
    ...(port === '' ? {} : { port: Number(port), path }),
  };
  if (get('kind') === 'provider') {
    if (!provider.test(get('provider'))) return undefined;
    return {
      ...{ kind: 'provider', ...handOff, providerId: get('provider') },
      ...{ nodeKey: key.toLowerCase() as Address, validForS: Number(ttl) },
    };
  }
  if (get('kind') !== 'login' || !/^[a-z:]+(?: [a-z:]+)*$/.test(get('scopes'))) return undefined;
  if (!/^(?:0|[1-9][0-9]{0,77})$/.test(get('limit'))) return undefined;
  const label = [...get('label')].slice(0, 64).join('');
  return {
    ...{ kind: 'login', ...handOff, sessionKey: key.toLowerCase() as Address },
    ...{ scopes: get('scopes').split(' '), spendLimit: get('limit'), ttlSeconds: Number(ttl) },
    ...(label === '' ? {} : { label }),
  };
}

/** Where the page navigates to with its answer. */
export function signAnswerUrl(to: { port: number; path: string }, answer: SignAnswer | SignRefusal): string {
  return `http://127.0.0.1:${to.port}${to.path}?${signAnswerText(answer)}`;
}

/** The answer as the query of that address, and as the text to paste where no browser reaches the terminal. */
export function signAnswerText(answer: SignAnswer | SignRefusal): string {
  if ('refused' in answer) return 'refused=1';
  return textOf({
    wallet: answer.wallet,
    chain: String(answer.chainId),
    issued: String(answer.issuedAt),
    expires: String(answer.expiresAt),
    nonce: answer.nonce,
    signature: answer.signature,
  });
}

/**
 * Parses an answer, from a query or pasted, with or without spaces and line breaks in it.
 *
 * @returns undefined if it is none.
 */
export function readSignAnswer(text: string): SignAnswer | SignRefusal | undefined {
  const fields = new URLSearchParams(text.replace(/\s/g, '').replace(/^.*\?/, ''));
  if (fields.get('refused') === '1') return { refused: true };
  const get = (name: string) => fields.get(name) ?? '';
  const numbers = [get('chain'), get('issued'), get('expires')];
  if (!hexAddress.test(get('wallet')) || !numbers.every((each) => number.test(each))) return undefined;
  if (!/^0x[0-9a-fA-F]{64}$/.test(get('nonce'))) return undefined;
  if (!/^0x(?:[0-9a-fA-F]{2}){1,8192}$/.test(get('signature'))) return undefined;
  const [chainId, issuedAt, expiresAt] = numbers.map(Number) as [number, number, number];
  return {
    ...{ wallet: get('wallet').toLowerCase() as Address, chainId, issuedAt, expiresAt },
    ...{ nonce: get('nonce').toLowerCase() as Hex, signature: get('signature') as Hex },
  };
}

function isPort(text: string): boolean {
  return number.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function numberText(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function textOf(fields: Record<string, string | undefined>): string {
  const present = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(present).toString();
}
