import type { Redis } from 'ioredis';
import { BrokerError } from '../../domain/errors.js';
import type { RegistrationReply } from './replies.js';
import { responseStream } from '../stream-names.js';

/** An answer as it stands in a provider's response stream. */
export interface StoredReply {
  id: string;
  /** As it was written: RFC 3339. */
  timestamp: string;
  reply: RegistrationReply;
}

/**
 * The answers of a provider after one it has, without taking them: whoever also reads them from the stream gets them
 * there all the same.
 *
 * @param after the id of an entry; `0` for all that are there.
 * @throws BrokerError `dependency_unavailable` while Redis does not answer.
 */
export async function readReplies(redis: Redis, providerId: string, after: string): Promise<StoredReply[]> {
  try {
    const entries = await redis.xrange(responseStream(providerId), `(${after}`, '+');
    return entries.map(([id, fields]) => {
      const at = (name: string) => fields[fields.findIndex((field, index) => index % 2 === 0 && field === name) + 1];
      return { id, timestamp: at('timestamp') ?? '', reply: JSON.parse(at('data') ?? '{}') as RegistrationReply };
    });
  } catch (error) {
    throw new BrokerError('dependency_unavailable', 'the answers cannot be read now', {}, { cause: error });
  }
}
