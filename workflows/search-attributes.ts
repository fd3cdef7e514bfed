import { defineSearchAttributeKey } from '@temporalio/common';

/**
 * What operators filter by in the Temporal UI. They are registered with the server before the first workflow starts.
 */
export const searchAttributes = {
  jobStatus: defineSearchAttributeKey('JobStatus', 'KEYWORD'),
  providerStatus: defineSearchAttributeKey('ProviderStatus', 'KEYWORD'),
  providerId: defineSearchAttributeKey('ProviderId', 'KEYWORD'),
  wallet: defineSearchAttributeKey('Wallet', 'KEYWORD'),
  gpuType: defineSearchAttributeKey('GpuType', 'KEYWORD'),
  settlementWait: defineSearchAttributeKey('SettlementWait', 'KEYWORD'),
  expiresAt: defineSearchAttributeKey('ExpiresAt', 'DATETIME'),
} as const;
