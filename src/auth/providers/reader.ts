import { randomInt } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { advanceSequence, lastAccepted, providerRecords, type ProviderIdentity } from '../../db/provider-identities.js';
import { BrokerError } from '../../domain/errors.js';
import { isAhead } from '../../domain/message-number.js';
import { rejectionError } from '../../domain/provider-rejections.js';
import type { ProviderVerifierDeps } from './identity.js';
import { readEntrySignature } from './entry-signature.js';
import { arrivalSkewS } from '../../wire/message-number.js';
import { providerHeaders, responsesWord } from '../../wire/provider-headers.js';
import { entryDigest } from '../../wire/entry-signature.js';

/** A request for a provider's answers as received. */
export interface ReaderRequest {
  providerId: string;
  /** Path and query as sent. */
  target: string;
  headers: IncomingHttpHeaders;
}

/** Whose key asks, proven by its signature. */
export interface Reader {
  /** Lower case. */
  key: string;
  /** It is the provider's, and may read the answers. */
  readsAnswers: boolean;
}

/**
 * Checks that the caller who asks for a provider's answers holds its node key, because the answers include a join
 * command. The key signs the same text as for a message, with the request in place of `data` and a word that is not a
 * stream, so that neither can be mistaken for the other. A request is valid once.
 *
 * @param isAwaited whether something waits here for a key that is not the provider's, or not any more.
 * @param targetPrefix the prefix that a proxy stripped from the request target.
 * @returns who reads; of a provider that has never signed, nobody may read the answers.
 * @throws BrokerError `auth_required`, `malformed_request`, `timestamp_skew`, `delegation_invalid`, `signature_invalid`,
 *   `nonce_reused`, `rate_limited`, `dependency_unavailable`
 */
export async function verifyReader(
  { config, pool, recover, now = Date.now }: ProviderVerifierDeps,
  { providerId, target, headers }: ReaderRequest,
  { isAwaited, targetPrefix = '' }: { isAwaited: (key: string) => Promise<boolean>; targetPrefix?: string },
): Promise<Reader> {
  const header = (name: string) => (typeof headers[name] === 'string' ? { value: headers[name] } : undefined);
  const given = Object.entries({
    key: header(providerHeaders.key),
    seq: header(providerHeaders.seq),
    ts: header(providerHeaders.timestamp),
    sig: header(providerHeaders.signature),
  }).flatMap(([name, found]) => (found === undefined ? [] : [[name, found.value]]));
  if (given.length === 0) throw new BrokerError('auth_required', 'the node key has to sign this request');
  const signature = readEntrySignature({ v: '1', ...(Object.fromEntries(given) as Record<string, string>) });
  if (signature === undefined || typeof signature === 'string') throw rejectionError('signature_malformed', now());
  const { key, seq, ts, sig } = signature;
  if (Math.abs(now() / 1000 - Number(ts)) > arrivalSkewS) throw rejectionError('timestamp_skew', now());
  if (isAhead(Number(seq), Number(ts))) throw rejectionError('sequence_ahead', now());

  const { identity } = (await providerRecords(pool, [providerId])).get(providerId)!;
  const problem = identity === undefined ? undefined : problemOfKey(identity, key, now());
  if (problem !== undefined && !(await isAwaited(key))) throw rejectionError(problem, now());
  const data = `GET ${targetPrefix}${target}`;
  const digest = entryDigest({ audience: config.AUTH_AUDIENCE, stream: responsesWord, providerId, seq, ts, data });
  if ((await recover(digest, sig)) !== key) throw rejectionError('signature_invalid', now());
  if (identity === undefined || problem !== undefined) return { key, readsAnswers: false };
  // A unique id in place of an entry's: repeating the same request is always a replay.
  const request = { providerId, nodeKey: key, seq: Number(seq), entryId: `${now()}-${randomInt(2 ** 47)}` };
  if (await advanceSequence(pool, 'responses', request, new Date(now()))) return { key, readsAnswers: true };
  const last = await lastAccepted(pool, 'responses', providerId);
  throw rejectionError('sequence_replayed', now(), (last?.seq ?? -1) + 1);
}

/** Why a key does not speak for a provider, or not any more. */
function problemOfKey(identity: ProviderIdentity, key: string, nowMs: number) {
  if (identity.nodeKey !== key) return 'key_unknown';
  return identity.expiresAt.getTime() <= nowMs ? 'delegation_expired' : undefined;
}
