import type { Redis } from 'ioredis';
import { BrokerError } from '../domain/errors.js';

/** Counts what a node key signs where there is too much of it for the database; over all replicas. */
export interface ProviderSequence {
  /**
   * Takes a number that is higher than all before it, in one step: of two with the same number, one gets it. The same
   * number in the same entry is taken again, for that entry was read and not acknowledged.
   *
   * @param kind what is counted, such as `heartbeat`; each kind has a count of its own.
   */
  advance(kind: string, key: SequenceKey, seq: number, entryId: string): Promise<boolean>;
  /** Whether a number is higher than all before it. */
  isNext(kind: string, key: SequenceKey, seq: number): Promise<boolean>;
}

export interface SequenceKey {
  providerId: string;
  nodeKey: string;
}

/** Far longer than a timestamp is good for; what is older is refused by that. */
const ttlS = 3_600;

/** KEYS counter. ARGV number, entry id, ttl seconds. The counter holds the last number and its entry. */
const advanceScript = `
local last = redis.call('GET', KEYS[1])
if last then
  local space = string.find(last, ' ', 1, true)
  local given, taken = tonumber(ARGV[1]), tonumber(string.sub(last, 1, space - 1))
  if given < taken then return 0 end
  if given == taken and string.sub(last, space + 1) ~= ARGV[2] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'EX', ARGV[3])
return 1
`;

interface Script {
  wlAdvanceSequence(key: string, seq: number, entryId: string, ttlS: number): Promise<number>;
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
      orUnavailable(async () => (await redis.wlAdvanceSequence(counter(kind, key), seq, entryId, ttlS)) === 1),
    isNext: (kind, key, seq) =>
      orUnavailable(async () => seq > Number((await redis.get(counter(kind, key)))?.split(' ')[0] ?? -1)),
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
