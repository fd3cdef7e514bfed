import type { Redis } from 'ioredis';
import { deliver, type Delivery } from './delivery.js';
import { replyCommands } from './commands.js';
import { isForeign, reportForeign } from '../foreign.js';
import { responseStream } from '../../wire/streams.js';

/** `data` of an entry of `provider:response:<id>`, as the agents know it. `join_command` is run as root. */
export interface RegistrationReply {
  success: boolean;
  status: string;
  message?: string;
  join_token?: string;
  join_command?: string;
  master_ip?: string;
  master_port?: number;
  /** `sha256:<hex>` */
  ca_hash?: string;
  node_name?: string;
  labels?: Record<string, string>;
  /** Instead of the fields about joining, where the registration asked for it: see `sealReply`. */
  sealed?: string;
  /** Of a sealed reply: the public half of the join token. */
  token_id?: string;
  /** The number of the registration was used before; this is the lowest that would be taken. */
  next_seq?: number;
}

/** Makes the field `bsig` of an answer from its JSON text. */
export type SignReply = (providerId: string, data: string) => Promise<string>;

/** Of an answer with nothing in it that expires, in seconds. */
const plainTtlS = 900;

/**
 * Publishes the answer to a registration. It takes the place of every older one: an agent that comes back reads the
 * first reply its group was not given, and that must not be a withdrawn join token.
 *
 * @param ttlS how long it is there: no longer than the join token in it is good.
 * @param sign without it nobody but the public agents, who look at no signature, believes that the answer is ours.
 * @returns the id of the entry.
 * @throws when Redis does not answer; the reply may then be there all the same.
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
 * Tells a provider why its message was not accepted, unless an answer waits for it: whoever can write to the streams
 * in somebody's name must not be able to take that one's join command away.
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

/** Takes back what a provider has not read: none of it holds for whoever registers in its name next. */
export async function withdrawReplies(redis: Redis, providerId: string): Promise<void> {
  const stream = responseStream(providerId);
  // The groups of agents stay, since one may be waiting in a read.
  const trimmed = await unlessForeign(redis.xtrim(stream, 'MAXLEN', 0));
  if (trimmed !== undefined) return;
  // Whoever put something else there keeps nobody from leaving.
  await redis.unlink(stream);
  reportForeign(redis, 'answers', stream);
}

/** Finds the published reply that holds the join token with this id: the id of its newest copy. */
export async function findReply(redis: Redis, providerId: string, tokenId: string): Promise<string | undefined> {
  const entries = await unlessForeign(redis.xrevrange(responseStream(providerId), '+', '-'));
  return entries?.find(([, fields]) => tokenIdOf(fields) === tokenId)?.[0];
}

/**
 * Makes sure that an agent gets a published reply although the public agents publish, and only then create their group
 * at `$`: a group that began past the reply is noticed, and the reply is published once more for it. Nothing is waited
 * for blindly; all waiting replies of a connection share one pipelined look, every 5 to 250 ms.
 *
 * @param entryId what `publishReply` or `findReply` gave.
 * @returns true once an agent has it (acknowledged, or read by one that does not acknowledge); false when nobody took
 * it in `timeoutMs` (agents give up after 60 s) or a newer reply took its place.
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

/** As `ensureReplyDelivered`, but says what became of the reply. */
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
  return await deliver(
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

/** Awaits a command and answers undefined where the key is no stream: providers can write whatever they like there. */
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
