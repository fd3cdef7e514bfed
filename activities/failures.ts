import { ApplicationFailure } from '@temporalio/activity';
import { BrokerError } from '../src/domain/errors.js';

/**
 * Wraps activities so that a `BrokerError` reaches the workflow as an ApplicationFailure. Its type is the error's code, its
 * details are what the error adds to a reply, and it is retryable exactly if the error table says so. Anything else is a bug or an outage: it is retried, and
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
        const { code, detail, extra, retryable } = error;
        const details = Object.keys(extra).length === 0 ? {} : { details: [extra] };
        throw ApplicationFailure.create({ type: code, message: detail, nonRetryable: !retryable, ...details });
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}
