import { defineSearchAttributeKey } from '@temporalio/common';

/**
 * What operators filter by in the Temporal UI. They are registered with the server before the first workflow starts.
 * A server on a SQL database takes ten keywords, and three of each other kind.
 */
export const searchAttributes = {
  jobStatus: defineSearchAttributeKey('JobStatus', 'KEYWORD'),
  /** Why a job failed, or what else cut it short: the code that its customer is told. */
  failureReason: defineSearchAttributeKey('FailureReason', 'KEYWORD'),
  providerStatus: defineSearchAttributeKey('ProviderStatus', 'KEYWORD'),
  providerId: defineSearchAttributeKey('ProviderId', 'KEYWORD'),
  wallet: defineSearchAttributeKey('Wallet', 'KEYWORD'),
  gpuType: defineSearchAttributeKey('GpuType', 'KEYWORD'),
  settlementWait: defineSearchAttributeKey('SettlementWait', 'KEYWORD'),
  expiresAt: defineSearchAttributeKey('ExpiresAt', 'DATETIME'),
} as const;
