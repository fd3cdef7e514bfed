import { BrokerError } from '../domain/errors.js';
import type { ErrorCode } from '../wire/error-codes.js';

/**
 * Asks Redis.
 *
 * @throws BrokerError with this code and detail when Redis does not answer.
 */
export async function orUnavailable<T>(code: ErrorCode, detail: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new BrokerError(code, detail, {}, { cause: error });
  }
}
