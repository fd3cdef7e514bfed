import type { Redis } from 'ioredis';
import { BrokerError } from '../domain/errors.js';
import { countedAs, maxAheadMs } from '../domain/message-number.js';

/** Counts what a node key signs where there is too much of it for the database; over all replicas. */
export interface ProviderSequence {
  /**
   * Takes a number that is higher than all before it, in one step: of two with the same number, one gets it. The same
   * number in the same entry is taken again, for that entry was read and not acknowledged.
   *
   * @param kind what is counted, such as `heartbeat`; each kind has a count of its own.
   */
  advance(kind: string, key: SequenceKey, seq: number, entryId: string): Promise<boolean>;
  /** What the last number counts as; undefined when none is known. */
  last(kind: string, key: SequenceKey): Promise<number | undefined>;
}

export interface SequenceKey {
  providerId: string;
  nodeKey: string;
}

/** Far longer than a timestamp is good for; what is older is refused by that. */
const ttlS = 3_600;

/**
 * KEYS counter. ARGV number, entry id, ttl seconds, how far ahead of its entry a number may count (see `countedAs`). The
 * counter holds the last number and its entry; whatever else stands there says nothing.
 */
const advanceScript = `
local known = redis.pcall('GET', KEYS[1])
local last, entry = string.match(type(known) == 'string' and known or '', '^(%d+) (%S+)$')
if last and not (last == ARGV[1] and entry == ARGV[2]) then
  local counted, arrived = tonumber(last), string.match(entry, '^(%d+)%-%d+$')
  if arrived then counted = math.min(counted, tonumber(arrived) + tonumber(ARGV[4])) end
  if tonumber(ARGV[1]) <= counted then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'EX', ARGV[3])
return 1
`;

interface Script {
  wlAdvanceSequence(key: string, seq: number, entryId: string, ttlS: number, aheadMs: number): Promise<number>;
}

/** @throws BrokerError `auth_backend_unavailable` from every call while Redis does not answer. */
export function createProviderSequence(connection: Redis): ProviderSequence {
  if (!('wlAdvanceSequence' in connection)) {
    connection.defineCommand('wlAdvanceSequence', { numberOfKeys: 1, lua: advanceScript });
  }
  const redis = connection as Redis & Script;
  const counter = (kind: string, { providerId, nodeKey }: SequenceKey) => `auth:ps:${kind}:${providerId}:${nodeKey}`;
  return {
    advance: (kind, key, seq, entryId) =>
      orUnavailable(
        async () => (await redis.wlAdvanceSequence(counter(kind, key), seq, entryId, ttlS, maxAheadMs)) === 1,
      ),
    last: (kind, key) =>
      orUnavailable(async () => {
        const known = await redis.get(counter(kind, key)).catch((error: Error) => {
          if (error.message.startsWith('WRONGTYPE')) return null;
          throw error;
        });
        const [, seq, entryId = ''] = /^(\d+) (\S+)$/.exec(known ?? '') ?? [];
        return seq === undefined ? undefined : countedAs({ seq: Number(seq), entryId });
      }),
  };
}

async function orUnavailable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new BrokerError(
      'auth_backend_unavailable',
      'the count of signed messages is not answering',
      {},
      { cause: error },
    );
  }
}
