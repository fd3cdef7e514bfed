import { delegationStatement, signingSkewS, type SessionDelegation } from '../wire/session-typed-data.js';
import { isScope, joinScopes, type Scope } from '../wire/scopes.js';
import { WorldLandError } from './errors.js';

/** What a login asks for. */
export interface Asked {
  audience: string;
  /** Undefined where the wallet is chosen elsewhere: on the page that has it sign. */
  wallet: string | undefined;
  sessionKey: string;
  scopes: readonly Scope[];
  spendLimit: bigint;
  /** Undefined: the broker's own choice, up to a day. */
  ttlSeconds: number | undefined;
  /** Undefined: the broker's own choice. */
  chainId: number | undefined;
}

/** A message as the broker proposes it, read without trust. */
export interface Proposal {
  message: SessionDelegation;
  chainId: number;
}

const longestUnaskedS = 86_400;
/** How wrong a clock may be: this much longer than asked for can a broker with a false clock make a session last. */
const clockSkewS = 86_400;

/**
 * Reads a proposal. Types and domain are never taken from it, so what the wallet shows is what is checked here.
 *
 * @throws WorldLandError `protocol` if it is no proposal.
 */
export function readProposal(message: unknown, chainId: unknown): Proposal {
  const from = (typeof message === 'object' && message !== null ? message : {}) as Record<string, unknown>;
  const read: SessionDelegation = {
    wallet: text(from, 'wallet', /^0x[0-9a-f]{40}$/i).toLowerCase() as `0x${string}`,
    sessionKey: text(from, 'sessionKey', /^0x[0-9a-f]{40}$/i).toLowerCase() as `0x${string}`,
    audience: text(from, 'audience', /^[^]{1,300}$/),
    statement: text(from, 'statement', /^[^]{1,1000}$/),
    scopes: text(from, 'scopes', /^[^]{1,300}$/),
    spendLimit: BigInt(text(from, 'spendLimit', /^\d{1,78}$/)),
    issuedAt: Number(text(from, 'issuedAt', /^\d{1,11}$/)),
    expiresAt: Number(text(from, 'expiresAt', /^\d{1,11}$/)),
    nonce: text(from, 'nonce', /^0x[0-9a-f]{64}$/i) as `0x${string}`,
  };
  return { message: read, chainId: Number(text({ chainId }, 'chainId', /^\d{1,15}$/)) };
}

function text(from: Record<string, unknown>, field: string, shape: RegExp): string {
  const value = from[field];
  const written = typeof value === 'number' ? String(value) : value;
  if (typeof written === 'string' && shape.test(written)) return written;
  throw new WorldLandError('protocol', `the broker proposes nothing that a wallet could sign: ${field} is missing`, {
    data: { field },
  });
}

/**
 * Refuses a proposal that is not what was asked for. A false broker could propose a message meant for another broker,
 * a longer session, or more rights; a wallet must not sign that.
 *
 * @param serverTimeS the broker's clock, as it says; undefined where it is not known.
 * @throws WorldLandError `protocol` with `field`, `proposed` and `asked`.
 */
export function requireWhatWasAsked(
  { message, chainId }: Proposal,
  asked: Asked,
  { nowS, serverTimeS = nowS }: { nowS: number; serverTimeS?: number | undefined },
): void {
  const refuse = (field: string, proposed: unknown, want: unknown, words?: string, more: object = {}): never => {
    const detail = words ?? `the broker proposes ${field} "${String(proposed)}" where "${String(want)}" was asked for`;
    throw new WorldLandError('protocol', detail, {
      data: { field, proposed: String(proposed), asked: String(want), ...more },
    });
  };
  if (message.audience !== asked.audience) {
    const called = message.audience.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
    const words = `this broker calls itself ${called}, and not ${asked.audience}: use that address, or set the audience to it if you trust it`;
    refuse('audience', called, asked.audience, words);
  }
  const same: [string, unknown, unknown][] = [
    ['wallet', message.wallet, asked.wallet?.toLowerCase() ?? message.wallet],
    ['sessionKey', message.sessionKey, asked.sessionKey.toLowerCase()],
    ['statement', message.statement, delegationStatement],
    ['scopes', message.scopes, joinScopes(asked.scopes)],
    ['spendLimit', message.spendLimit, asked.spendLimit],
    ['chainId', chainId, asked.chainId ?? chainId],
  ];
  for (const [field, proposed, want] of same) if (proposed !== want) refuse(field, proposed, want);

  const lastsS = message.expiresAt - message.issuedAt;
  if (lastsS <= 0 || (asked.ttlSeconds === undefined && lastsS > longestUnaskedS))
    refuse('expiresAt', `${lastsS} s`, `${longestUnaskedS} s at most`);
  if (asked.ttlSeconds !== undefined && lastsS !== asked.ttlSeconds)
    refuse('expiresAt', `${lastsS} s`, `${asked.ttlSeconds} s`);
  if (Math.abs(message.issuedAt - serverTimeS) > signingSkewS) refuse('issuedAt', message.issuedAt, serverTimeS);
  const aheadS = nowS - serverTimeS;
  if (Math.abs(aheadS) > clockSkewS) {
    const words = `the clocks of the broker and of this computer are ${Math.abs(aheadS)} s apart: set this one`;
    refuse('issuedAt', serverTimeS, nowS, words, { clock_ahead_s: aheadS });
  }
}

/** @throws WorldLandError `validation_failed` for a scope that does not exist. */
export function requireScopes(scopes: readonly string[]): void {
  const unknown = scopes.filter((scope) => !isScope(scope));
  if (unknown.length === 0 && scopes.length > 0) return;
  const detail = unknown.length === 0 ? 'scopes: name at least one' : `there is no scope ${unknown.join(', ')}`;
  throw new WorldLandError('validation_failed', detail, { fields: [{ field: 'scopes', message: detail }] });
}
