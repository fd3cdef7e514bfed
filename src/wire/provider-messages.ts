/** The kinds of messages that providers send. Each has its own stream, `provider:<kind>`. */
export const providerMessageKinds = ['registration', 'heartbeat', 'capacity'] as const;

export type ProviderMessageKind = (typeof providerMessageKinds)[number];
