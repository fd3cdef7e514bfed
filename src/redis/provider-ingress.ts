import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { reportForeign } from './foreign.js';
import { receiptKey } from './keys.js';
import { orUnavailable } from './unavailable.js';

const streamsAway = ['dependency_unavailable', 'the streams of messages are not answering'] as const;

/** How long a resent message is recognized: longer than its timestamp would be accepted. */
const rememberedS = 600;

/**
 * Reads a receipt, or 1 if the key holds something else. A receipt without an expiry is foreign too: its message would
 * never be accepted.
 */
const library = `
local function receiptAt(key)
  local known = redis.pcall('GET', key)
  if known == false then return false, 0 end
  if type(known) == 'string' and string.match(known, '^%d+%-%d+$') and redis.call('TTL', key) >= 0 then return known, 0 end
  redis.call('UNLINK', key)
  return false, 1
end
`;

/** KEYS receipt. Returns [the id in it, 1 if something else was there]. */
const knownScript = `${library}
return { receiptAt(KEYS[1]) }
`;

/** KEYS stream, receipt. ARGV ttl seconds, then names and values of the entry. Returns the same for the entry. */
const appendScript = `${library}
local known, foreign = receiptAt(KEYS[2])
if known then return { known, foreign } end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
return { id, foreign }
`;

interface Scripts {
  wlReceipt(receipt: string): Promise<[id: string | null, foreign: number]>;
  wlAppendOnce(
    stream: string,
    receipt: string,
    ttlS: number,
    ...fields: string[]
  ): Promise<[id: string, foreign: number]>;
}

export interface ProviderIngress {
  /** The id of the entry that this same message became earlier; `undefined` for a new message. */
  known(stream: string, fields: Readonly<Record<string, string>>): Promise<string | undefined>;
  /** Appends a message to its stream, once: a resent message yields its first entry. */
  append(stream: string, fields: Readonly<Record<string, string>>): Promise<string>;
}

/**
 * Appends messages that arrived another way to the streams, where they are read like all others.
 *
 * @throws BrokerError `dependency_unavailable` from every call while Redis does not answer.
 */
export function createProviderIngress(connection: Redis): ProviderIngress {
  if (!('wlAppendOnce' in connection)) {
    connection.defineCommand('wlReceipt', { numberOfKeys: 1, lua: knownScript });
    connection.defineCommand('wlAppendOnce', { numberOfKeys: 2, lua: appendScript });
  }
  const redis = connection as Redis & Scripts;
  const idIn = <T>(receipt: string, [id, foreign]: [T, number]): T => {
    if (foreign > 0) reportForeign(connection, 'receipt', receipt);
    return id;
  };
  return {
    known: (stream, fields) =>
      orUnavailable(...streamsAway, async () => {
        const receipt = receiptOf(stream, fields);
        return idIn(receipt, await redis.wlReceipt(receipt)) ?? undefined;
      }),
    append: (stream, fields) =>
      orUnavailable(...streamsAway, async () => {
        const receipt = receiptOf(stream, fields);
        const written = Object.entries(fields).flat();
        return idIn(receipt, await redis.wlAppendOnce(stream, receipt, rememberedS, ...written));
      }),
  };
}

function receiptOf(stream: string, fields: Readonly<Record<string, string>>): string {
  const named = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  return receiptKey(
    createHash('sha256')
      .update(JSON.stringify([stream, named]))
      .digest('hex'),
  );
}
