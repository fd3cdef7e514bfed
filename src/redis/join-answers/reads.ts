import type { Redis } from 'ioredis';
import { BrokerError } from '../../domain/errors.js';
import { isForeign } from '../foreign.js';
import { responseStream } from '../../wire/streams.js';
import type { RegistrationReply } from '../../wire/join-answer.js';
import { fieldsByName } from '../../wire/stream-entry.js';

/** An answer in a provider's response stream. */
export interface StoredReply {
  id: string;
  /** When it was written, in RFC 3339. */
  timestamp: string;
  reply: RegistrationReply;
  /** The exact text of the answer, and its `bsig` field. */
  data: string;
  bsig?: string;
}

/** More than the broker ever leaves in the stream. */
const maxReplies = 10;

/**
 * Reads a provider's answers after a given one without consuming them: readers of the stream still get them there. It
 * skips entries that are not answers, and all but the newest few, since the broker cannot have written more. It does
 * not check whether the broker wrote an answer.
 *
 * @param after the id of an entry; `0` for all answers.
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
