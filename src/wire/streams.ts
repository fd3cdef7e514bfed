/** The streams of the field; their names are a contract with agents that exist. */
export const streams = {
  registration: 'provider:registration',
  heartbeat: 'provider:heartbeat',
  capacity: 'provider:capacity',
} as const;

/** The consumer group of all relays together. */
export const brokerGroup = 'broker';

/** Where a provider waits for the answer to its registration. */
export function responseStream(providerId: string): string {
  return `provider:response:${providerId}`;
}

export function deadLetterStream(stream: string): string {
  return `${stream}:dlq`;
}

/** Where a stream is put whose last id a sender chose; `at` in ms since 1970. */
export function poisonedStream(stream: string, at: number): string {
  return `${stream}:poisoned:${at}`;
}

/** The set of streams that were put aside and hold messages nobody has read yet. */
export function poisonedRegister(stream: string): string {
  return `${stream}:poisoned`;
}

/** A hash from streams to how many entries of them have gone: what the relays trimmed, and what the watchdog has seen. */
export const trimmedCounter = 'broker:streams:trimmed';
