import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { BrokerError } from '../domain/errors.js';

/** How long a message that is sent again is known: longer than its timestamp would be taken for. */
const rememberedS = 600;

/** KEYS stream, receipt. ARGV ttl seconds, then names and values of the entry. */
const appendScript = `
local known = redis.call('GET', KEYS[2])
if known then return known end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
return id
`;

interface Script {
  wlAppendOnce(stream: string, receipt: string, ttlS: number, ...fields: string[]): Promise<string>;
}

export interface ProviderIngress {
  /** The id of the entry that this very message became before; `undefined` for a new one. */
  known(stream: string, fields: Readonly<Record<string, string>>): Promise<string | undefined>;
  /** Appends a message to its stream, once: sent again, it is the entry it became the first time. */
  append(stream: string, fields: Readonly<Record<string, string>>): Promise<string>;
}

/**
 * Puts messages that came by another way into the streams, where they are read like all others.
 *
 * @throws BrokerError `dependency_unavailable` from every call while Redis does not answer.
 */
export function createProviderIngress(connection: Redis): ProviderIngress {
  if (!('wlAppendOnce' in connection)) connection.defineCommand('wlAppendOnce', { numberOfKeys: 2, lua: appendScript });
  const redis = connection as Redis & Script;
  return {
    known: (stream, fields) => orUnavailable(async () => (await redis.get(receiptOf(stream, fields))) ?? undefined),
    append: (stream, fields) =>
      orUnavailable(() =>
        redis.wlAppendOnce(stream, receiptOf(stream, fields), rememberedS, ...Object.entries(fields).flat()),
      ),
  };
}

function receiptOf(stream: string, fields: Readonly<Record<string, string>>): string {
  const named = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  return `provider:receipt:${createHash('sha256')
    .update(JSON.stringify([stream, named]))
    .digest('hex')}`;
}

async function orUnavailable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new BrokerError('dependency_unavailable', 'the streams of messages are not answering', {}, { cause: error });
  }
}
