import type { Redis } from 'ioredis';
import { awaitDelivery, type Delivery } from './delivery.js';
import { replyCommands } from './commands.js';
import { isForeign, reportForeign } from '../foreign.js';
import { responseStream } from '../../wire/streams.js';
import type { RegistrationReply } from '../../wire/join-answer.js';

/** Computes the `bsig` field of an answer from its JSON text. */
export type SignReply = (providerId: string, data: string) => Promise<string>;

/** Lifetime in seconds of an answer that contains nothing that expires. */
const plainTtlS = 900;

/**
 * Publishes the answer to a registration. It replaces all older answers: a returning agent reads the first reply that
 * its group has not received, and that must not be a withdrawn join token.
 *
 * @param ttlS the answer's lifetime: no longer than its join token is valid.
 * @param sign signs the answer. Without it, only the public agents, which ignore signatures, accept the answer.
 * @returns the id of the entry.
 * @throws when Redis does not answer; the reply may have been published anyway.
 */
export async function publishReply(
  redis: Redis,
  providerId: string,
  reply: RegistrationReply,
  { ttlS = plainTtlS, sign }: { ttlS?: number; sign?: SignReply } = {},
): Promise<string> {
  const published = { ...(await written(providerId, reply, sign)), ttlS };
  return (await replyCommands(redis).publish(responseStream(providerId), published))!;
}

/**
 * Tells a provider why its message was rejected, unless an answer is waiting for it: a sender of forged messages must
 * not be able to displace the join command of the provider they impersonate.
 *
 * @returns the id of the entry, if there is one.
 */
export async function publishRejection(
  redis: Redis,
  providerId: string,
  message: string,
  { nextSeq, sign }: { nextSeq?: number | undefined; sign?: SignReply } = {},
): Promise<string | undefined> {
  const reply: RegistrationReply = {
    success: false,
    status: 'rejected',
    message,
    ...(nextSeq === undefined ? {} : { next_seq: nextSeq }),
  };
  const published = { ...(await written(providerId, reply, sign)), ttlS: plainTtlS, keepWaiting: true };
  return await replyCommands(redis).publish(responseStream(providerId), published);
}

async function written(providerId: string, reply: RegistrationReply, sign?: SignReply) {
  const data = JSON.stringify(reply);
  return sign === undefined ? { data } : { data, bsig: await sign(providerId, data) };
}

/** Withdraws the answers a provider has not read: they do not apply to the next registrant of its id. */
export async function withdrawReplies(redis: Redis, providerId: string): Promise<void> {
  const stream = responseStream(providerId);
  // Keep the agents' groups, since an agent may be waiting in a read.
  const trimmed = await unlessForeign(redis.xtrim(stream, 'MAXLEN', 0));
  if (trimmed !== undefined) return;
  // Foreign data at the key must not keep a provider from leaving.
  await redis.unlink(stream);
  reportForeign(redis, 'answers', stream);
}

/** Finds the published reply with this join token id, and returns the id of its newest copy. */
export async function findReply(redis: Redis, providerId: string, tokenId: string): Promise<string | undefined> {
  const entries = await unlessForeign(redis.xrevrange(responseStream(providerId), '+', '-'));
  return entries?.find(([, fields]) => tokenIdOf(fields) === tokenId)?.[0];
}

/**
 * Makes sure that an agent receives a published reply, even though public agents publish first and only then create
 * their group at `$`: the broker notices a group that began after the reply and publishes the reply again for it. All
 * waiting replies of a connection share one pipelined check, every 5 to 250 ms.
 *
 * @param entryId the result of `publishReply` or `findReply`.
 * @returns true once an agent has it (acknowledged, or read by one that does not acknowledge); false when nobody read
 *   it within `timeoutMs` (agents give up after 60 s) or a newer reply replaced it.
 * @throws the reason of `signal`.
 */
export async function ensureReplyDelivered(
  redis: Redis,
  providerId: string,
  entryId: string,
  options: { timeoutMs: number; signal?: AbortSignal; onHeartbeat?: () => void },
): Promise<boolean> {
  return (await replyDelivery(redis, providerId, entryId, options)) === 'delivered';
}

/** Like `ensureReplyDelivered`, but returns the outcome in detail. */
export async function replyDelivery(
  redis: Redis,
  providerId: string,
  entryId: string,
  options: { timeoutMs: number; signal?: AbortSignal; onHeartbeat?: () => void },
): Promise<Delivery> {
  options.signal?.throwIfAborted();
  const stream = responseStream(providerId);
  const [entries, leftMs] = await Promise.all([
    unlessForeign(redis.xrange(stream, entryId, entryId)),
    redis.pttl(stream),
  ]);
  const [entry] = entries ?? [];
  if (entry === undefined) return 'superseded';
  const [, fields] = entry;
  const bsig = field(fields, 'bsig');
  return await awaitDelivery(
    redis,
    {
      stream,
      origin: field(fields, 'origin') ?? entryId,
      data: field(fields, 'data') ?? '',
      ...(bsig === undefined ? {} : { bsig }),
      ttlS: leftMs > 0 ? Math.ceil(leftMs / 1_000) : plainTtlS,
    },
    options,
  );
}

/** Awaits a command and returns undefined if the key is not a stream: providers can write anything there. */
async function unlessForeign<T>(command: Promise<T>): Promise<T | undefined> {
  try {
    return await command;
  } catch (error) {
    if (isForeign(error)) return undefined;
    throw error;
  }
}

function tokenIdOf(fields: string[]): string | undefined {
  try {
    const { join_token: token, token_id } = JSON.parse(field(fields, 'data') ?? '') as RegistrationReply;
    return token?.slice(0, token.indexOf('.')) ?? token_id;
  } catch {
    return undefined;
  }
}

function field(fields: string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}
