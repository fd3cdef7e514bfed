import {
  deadLetterStream,
  poisonedRegister,
  poisonedStream,
  responseStream,
  streams,
  trimmedCounter,
} from '../wire/streams.js';

/** Describes the keys of one kind. */
interface KeyKind {
  type: 'stream' | 'hash' | 'set' | 'string';
  /** The pattern of the keys' names, for Redis. */
  pattern: string;
  /** Examples of the keys, or all keys if their number is fixed. */
  examples: readonly string[];
}

const ofEachStream = (name: (stream: string) => string) => Object.values(streams).map(name);
const digits = '0'.repeat(64);

/**
 * All kinds of keys that the broker uses in Redis. Unless Redis has users with separate rights, anyone who sends
 * messages can also write to these keys. So the broker trusts none of them and recreates each one that holds data it
 * does not write (`reportForeign`). Identity and ownership are decided by data stored elsewhere.
 *
 * The tests attack every one of them, and look for keys missing from this list.
 */
export const brokerKeys = {
  /** Messages from senders. */
  messages: { type: 'stream', pattern: 'provider:*', examples: Object.values(streams) },
  /** Dead letters. */
  deadLetters: { type: 'stream', pattern: 'provider:*:dlq', examples: ofEachStream(deadLetterStream) },
  /** Streams whose last id a sender has chosen, and the register of them. */
  movedStream: {
    type: 'stream',
    pattern: 'provider:*:poisoned:*',
    examples: ofEachStream((one) => poisonedStream(one, 1)),
  },
  movedStreams: { type: 'set', pattern: 'provider:*:poisoned', examples: ofEachStream(poisonedRegister) },
  /** Counters of the entries removed from each stream, by the broker and in total. */
  trimmed: { type: 'hash', pattern: trimmedCounter, examples: [trimmedCounter] },
  /** Where a provider waits for the answer to its registration. */
  answers: { type: 'stream', pattern: responseStream('*'), examples: [responseStream('atlas')] },
  /** The sealed secret half of a join token, to answer with it again. */
  keptSecret: { type: 'string', pattern: 'provider:join-secret:*', examples: [keptSecretKey('abcdef')] },
  /** Which entry a message received over HTTPS became. */
  receipt: { type: 'string', pattern: 'provider:receipt:*', examples: [receiptKey(digits)] },
  /** Used nonces of signed requests and of logins. */
  requestNonce: { type: 'string', pattern: 'auth:rn:*', examples: [requestNonceKey('0x0', 'nonce')] },
  /** Counters of recent requests. */
  limit: { type: 'string', pattern: 'limit:*', examples: [`${limitPrefix('writes')}:0x0`] },
} as const satisfies Record<string, KeyKind>;

export type BrokerKey = keyof typeof brokerKeys;

/** @param hash the message's hash in hex. */
export function receiptKey(hash: string): string {
  return `provider:receipt:${hash}`;
}

export function keptSecretKey(tokenId: string): string {
  return `provider:join-secret:${tokenId}`;
}

export function requestNonceKey(sessionKey: string, nonce: string): string {
  return `auth:rn:${sessionKey}:${nonce}`;
}

/** The common prefix of a limit's counters. */
export function limitPrefix(name: string): string {
  return `limit:${name}`;
}
