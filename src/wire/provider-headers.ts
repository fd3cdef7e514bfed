/** What is signed in place of an entry's stream name in a request for answers. */
export const responsesWord = 'provider:response';

export const providerHeaders = {
  key: 'x-provider-key',
  seq: 'x-provider-seq',
  timestamp: 'x-provider-timestamp',
  signature: 'x-provider-signature',
} as const;
