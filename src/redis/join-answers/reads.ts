import type { Redis } from 'ioredis';
import { BrokerError } from '../../domain/errors.js';
import type { RegistrationReply } from './join-answers.js';
import { isForeign } from '../foreign.js';
import { fieldsByName } from '../streams/entry.js';
import { responseStream } from '../../wire/streams.js';

/** An answer as it stands in a provider's response stream. */
export interface StoredReply {
  id: string;
  /** As it was written: RFC 3339. */
  timestamp: string;
  reply: RegistrationReply;
  /** The exact text of the answer, and the field `bsig` that comes with it. */
  data: string;
  bsig?: string;
}

/** More than the broker ever leaves there. */
const maxReplies = 10;

/**
 * The answers of a provider after one it has, without taking them: whoever also reads them from the stream gets them
 * there all the same. What is no answer is passed over, and so is all but the newest few: more than the broker can write
 * to the stream. Whether the broker wrote an answer is not looked at.
 *
 * @param after the id of an entry; `0` for all that are there.
 * @throws BrokerError `dependency_unavailable` while Redis does not answer.
 */
export async function readReplies(redis: Redis, providerId: string, after: string): Promise<StoredReply[]> {
  try {
    const entries = await redis.xrevrange(responseStream(providerId), '+', `(${after}`, 'COUNT', maxReplies);
    return entries.reverse().flatMap(([id, fields]) => {
      const { data = '', timestamp = '', bsig } = fieldsByName(fields);
      const reply = replyIn(data);
      if (reply === undefined) return [];
      return [{ id, timestamp, reply, data, ...(bsig === undefined ? {} : { bsig }) }];
    });
  } catch (error) {
    if (isForeign(error)) return [];
    throw new BrokerError('dependency_unavailable', 'the answers cannot be read now', {}, { cause: error });
  }
}

function replyIn(data: string): RegistrationReply | undefined {
  try {
    const reply: unknown = JSON.parse(data);
    return typeof reply === 'object' && reply !== null && 'success' in reply ? (reply as RegistrationReply) : undefined;
  } catch {
    return undefined;
  }
}
