import {
  deadLetterStream,
  poisonedRegister,
  poisonedStream,
  responseStream,
  streams,
  trimmedCounter,
} from '../wire/streams.js';

/** What a key of one kind is. */
interface KeyKind {
  type: 'stream' | 'hash' | 'set' | 'string';
  /** How such keys are named, as Redis matches them. */
  pattern: string;
  /** Some of them, or all where there are only so many. */
  examples: readonly string[];
}

const ofEachStream = (name: (stream: string) => string) => Object.values(streams).map(name);
const digits = '0'.repeat(64);

/**
 * Every kind of key that the broker uses in Redis. Where Redis has no users with rights of their own, anybody who writes
 * a message may write to these as well; so none of them is believed, and each one that holds something else than what
 * the broker puts there is made anew (`reportForeign`). What decides who is who is kept elsewhere.
 *
 * The tests try every one of them, and look for keys that are not in this list.
 */
export const brokerKeys = {
  /** What senders write. */
  messages: { type: 'stream', pattern: 'provider:*', examples: Object.values(streams) },
  /** What was put aside. */
  deadLetters: { type: 'stream', pattern: 'provider:*:dlq', examples: ofEachStream(deadLetterStream) },
  /** Streams whose last id a sender chose, and the list of them. */
  movedStream: {
    type: 'stream',
    pattern: 'provider:*:poisoned:*',
    examples: ofEachStream((one) => poisonedStream(one, 1)),
  },
  movedStreams: { type: 'set', pattern: 'provider:*:poisoned', examples: ofEachStream(poisonedRegister) },
  /** How many entries went from the streams, by our doing and in all. */
  trimmed: { type: 'hash', pattern: trimmedCounter, examples: [trimmedCounter] },
  /** Where a provider waits for the answer to its registration. */
  answers: { type: 'stream', pattern: responseStream('*'), examples: [responseStream('atlas')] },
  /** Which entry a message became that came over HTTPS. */
  receipt: { type: 'string', pattern: 'provider:receipt:*', examples: [receiptKey(digits)] },
  /** Nonces of signed requests and of logins that were used. */
  requestNonce: { type: 'string', pattern: 'auth:rn:*', examples: [requestNonceKey('0x0', 'nonce')] },
  /** How often somebody did something of late. */
  limit: { type: 'string', pattern: 'limit:*', examples: [`${limitPrefix('writes')}:0x0`] },
} as const satisfies Record<string, KeyKind>;

export type BrokerKey = keyof typeof brokerKeys;

/** @param hash hex, of the message. */
export function receiptKey(hash: string): string {
  return `provider:receipt:${hash}`;
}

export function requestNonceKey(sessionKey: string, nonce: string): string {
  return `auth:rn:${sessionKey}:${nonce}`;
}

/** What the names of counters of one limit begin with. */
export function limitPrefix(name: string): string {
  return `limit:${name}`;
}
