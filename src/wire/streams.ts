/** The base names of the providers' streams, which existing agents use. */
export const streams = {
  registration: 'provider:registration',
  heartbeat: 'provider:heartbeat',
  capacity: 'provider:capacity',
} as const;

/** The consumer group that all relays share. */
export const brokerGroup = 'broker';

/** Where a provider reads the answers to its registrations. */
export function responseStream(providerId: string): string {
  return `provider:response:${providerId}`;
}

export function deadLetterStream(stream: string): string {
  return `${stream}:dlq`;
}

/** Where a stream is moved if a sender set its last id too high; `at` in ms since 1970. */
export function poisonedStream(stream: string, at: number): string {
  return `${stream}:poisoned:${at}`;
}

/** The set of streams that were moved aside and still hold unread messages. */
export function poisonedRegister(stream: string): string {
  return `${stream}:poisoned`;
}

/** A hash of how many entries each stream has lost: those the relays trimmed and those the watchdog has reported. */
export const trimmedCounter = 'broker:streams:trimmed';
