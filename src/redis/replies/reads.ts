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
 * there all the same. What is no answer is passed over: more than the broker can write to the stream.
 *
 * @param after the id of an entry; `0` for all that are there.
 * @throws BrokerError `dependency_unavailable` while Redis does not answer.
 */
export async function readReplies(redis: Redis, providerId: string, after: string): Promise<StoredReply[]> {
  try {
    const entries = await redis.xrange(responseStream(providerId), `(${after}`, '+');
    return entries.flatMap(([id, fields]) => {
      const at = (name: string) => fields[fields.findIndex((field, index) => index % 2 === 0 && field === name) + 1];
      const reply = replyIn(at('data'));
      return reply === undefined ? [] : [{ id, timestamp: at('timestamp') ?? '', reply }];
    });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return [];
    throw new BrokerError('dependency_unavailable', 'the answers cannot be read now', {}, { cause: error });
  }
}

function replyIn(data: string | undefined): RegistrationReply | undefined {
  try {
    const reply: unknown = JSON.parse(data ?? '');
    return typeof reply === 'object' && reply !== null && 'success' in reply ? (reply as RegistrationReply) : undefined;
  } catch {
    return undefined;
  }
}
