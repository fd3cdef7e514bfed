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
