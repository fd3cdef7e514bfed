import { ApplicationFailure } from '@temporalio/activity';
import { BrokerError } from '../src/domain/errors.js';

/**
 * Wraps activities so that a `BrokerError` reaches the workflow as an ApplicationFailure. Its type is the error's code,
 * and it is retryable exactly if the error table says so. Anything else is a bug or an outage: it is retried, and
 * passed on unchanged.
 */
export function withErrorCodes<T extends Record<string, (...args: never[]) => Promise<unknown>>>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...args: never[]) => {
      try {
        return await activity(...args);
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
        throw ApplicationFailure.create({ type: error.code, message: error.detail, nonRetryable: !error.retryable });
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
