import { randomInt } from 'node:crypto';
import { violatedUnique, type Queryable } from './pool.js';
import { prepared } from './prepared.js';
import { together, togetherLocking } from './together.js';

/** A join token without its secret half. */
export interface JoinToken {
  tokenId: string;
  expiresAt: Date;
}

interface TokenNeeded {
  providerId: string;
  /** The registration's id and the number of the join command. */
  messageId: string;
  nodeName: string;
  /** How long a new token is valid. */
  ttlS: number;
  /** A token that is in the cluster already. It becomes the message's if that has none; otherwise it is left. */
  ahead?: JoinToken | undefined;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/**
 * The token for a message; a repeat of the message gets the same one. An expired or deleted token is renewed, because
 * the caller is about to create it in the cluster again.
 */
export const reserveJoinToken = togetherLocking(
  reserveJoinTokens,
  ({ providerId, messageId }) => `${providerId} ${messageId}`,
);

/** The same for several messages, each of them once, in their order. */
export async function reserveJoinTokens(db: Queryable, needed: readonly TokenNeeded[]): Promise<JoinToken[]> {
  for (let tries = 0; ; tries++) {
    const ahead = needed.map((token) => (tries === 0 ? token.ahead : undefined));
    try {
      const { rows } = await db.query<{ provider_id: string; message_id: string; token_id: string; expires_at: Date }>(
        prepared(`insert into join_tokens as t (token_id, provider_id, message_id, node_name, expires_at)
         select token_id, provider_id, message_id, node_name, coalesce(expires_at, now() + make_interval(secs => ttl_s))
           from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::timestamptz[])
                  as n (token_id, provider_id, message_id, node_name, ttl_s, expires_at)
          order by provider_id, message_id
         on conflict (provider_id, message_id) do update
           set expires_at = case when t.deleted_at is null and t.expires_at > now() then t.expires_at
                                 else excluded.expires_at end,
               deleted_at = null
         returning provider_id, message_id, token_id, expires_at`),
        [
          ahead.map((given) => given?.tokenId ?? newTokenId()),
          needed.map(({ providerId }) => providerId),
          needed.map(({ messageId }) => messageId),
          needed.map(({ nodeName }) => nodeName),
          needed.map(({ ttlS }) => ttlS),
          ahead.map((given) => given?.expiresAt ?? null),
        ],
      );
      const reserved = new Map(rows.map((row) => [`${row.provider_id} ${row.message_id}`, row]));
      return needed.map(({ providerId, messageId }) => {
        const { token_id: tokenId, expires_at: expiresAt } = reserved.get(`${providerId} ${messageId}`)!;
        return { tokenId, expiresAt };
      });
    } catch (error) {
      // Another provider's token has this id, a chance of one in two billion. A single message gets another id;
      // several are repeated one by one, because the error does not say whose id it was.
      if (needed.length > 1 || violatedUnique(error) !== 'join_tokens_pkey') throw error;
    }
  }
}

/** The answer that a provider was given and can still join with. */
export interface LiveAnswer extends JoinToken {
  /** The registration that it answers, and the number of the join command. */
  messageId: string;
  nodeName: string;
  answeredAt: Date;
  /** An agent was seen to take it. */
  delivered: boolean;
  /** The key it was sealed for; absent if it was not sealed. */
  sealedFor?: string;
}

/**
 * The newest answer to the sender of a registration whose token is unused and has a third of its life left: it is given
 * again instead of a new one. A sender that does not sign must also have the same key for sealed answers, because anybody can
 * name its wallet.
 *
 * @param command the registration that is being answered and the number of its join command. If that has a token of its
 * own, there is nothing to give again.
 */
export const liveAnswer = together(liveAnswers);

/** What `liveAnswer` is asked about. */
interface SoughtAnswer {
  providerId: string;
  command: string;
  wallet: string;
  signed: boolean;
  encKey?: string;
}

/** The same for several senders, in their order. */
export async function liveAnswers(db: Queryable, sought: readonly SoughtAnswer[]): Promise<(LiveAnswer | undefined)[]> {
  const { rows } = await db.query<{
    place: number;
    token_id: string;
    expires_at: Date;
    message_id: string;
    node_name: string;
    answered_at: Date;
    delivered: boolean;
    sealed_for: string | null;
  }>(
    prepared(`select s.place::int, live.*
       from unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::text[])
              with ordinality as s (provider_id, command, wallet, signed, enc_key, place)
       cross join lateral (
         select t.token_id, t.expires_at, t.message_id, t.node_name, t.answered_at,
                t.delivered_at is not null as delivered, t.sealed_for
           from join_tokens t join provider_registrations r
             on r.message_id = split_part(t.message_id, '#', 1) and r.provider_id = t.provider_id
          where t.provider_id = s.provider_id and t.deleted_at is null and t.used_at is null and t.answered_at is not null
            and t.expires_at > now() + (t.expires_at - t.created_at) / 3 and r.wallet = s.wallet and r.signed = s.signed
            and (r.signed or t.sealed_for is not distinct from s.enc_key)
            and not exists (select from join_tokens o where o.provider_id = s.provider_id and o.message_id = s.command)
          order by t.created_at desc limit 1) live`),
    [
      sought.map(({ providerId }) => providerId),
      sought.map(({ command }) => command),
      sought.map(({ wallet }) => wallet),
      sought.map(({ signed }) => signed),
      sought.map(({ encKey }) => encKey ?? null),
    ],
  );
  const live: (LiveAnswer | undefined)[] = sought.map(() => undefined);
  for (const row of rows) {
    live[row.place - 1] = {
      ...{ tokenId: row.token_id, expiresAt: row.expires_at, messageId: row.message_id, nodeName: row.node_name },
      ...{ answeredAt: row.answered_at, delivered: row.delivered },
      ...(row.sealed_for === null ? {} : { sealedFor: row.sealed_for }),
    };
  }
  return live;
}

/** The publication of an answer with a token. */
interface AnsweredToken {
  tokenId: string;
  /** The key that it was sealed for. */
  encKey: string | undefined;
  /**
   * By the clock of the streams, which registrations have, too: an agent may ask again within the millisecond in which
   * it was answered.
   */
  answeredAt: Date;
}

/** The tokens of $1, locked in the one order in which everybody does. */
const lockedSql =
  'select token_id from join_tokens where token_id = any ($1::bpchar[]) order by token_id for no key update';

/** Records that the answer with a token was published. */
export const markTokenAnswered = togetherLocking(markTokensAnswered, ({ tokenId }) => tokenId);

/** The same for several tokens, each of them once. */
export async function markTokensAnswered(db: Queryable, answered: readonly AnsweredToken[]): Promise<void> {
  await db.query(
    prepared(`update join_tokens t
        set answered_at = a.answered_at, sealed_for = a.enc_key,
            delivered_at = case when t.sealed_for is not distinct from a.enc_key then t.delivered_at end
       from unnest($1::bpchar[], $2::text[], $3::timestamptz[]) as a (token_id, enc_key, answered_at)
      where t.token_id = a.token_id and t.token_id in (${lockedSql})`),
    [
      answered.map(({ tokenId }) => tokenId),
      answered.map(({ encKey }) => encKey ?? null),
      answered.map(({ answeredAt }) => answeredAt),
    ],
  );
}

/** Records that an agent has taken the answer with a token. */
export const markTokenDelivered = togetherLocking(markTokensDelivered);

/** The same for several tokens. */
export async function markTokensDelivered(db: Queryable, tokenIds: readonly string[]): Promise<void> {
  await db.query(prepared(`update join_tokens set delivered_at = now() where token_id in (${lockedSql})`), [tokenIds]);
}

/** How many tokens the cluster accepts that have not expired, counted up to `most`. */
export async function countLiveTokens(db: Queryable, most: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    prepared(`select count(*)::int as count
       from (select from join_tokens where deleted_at is null and expires_at > now() limit $1) live`),
    [most],
  );
  return rows[0]!.count;
}

/** As `countLiveTokens`; callers that count at the same moment share one count. */
export const countLiveTokensTogether = together(async (db: Queryable, mosts: readonly number[]) => {
  const count = await countLiveTokens(db, Math.max(...mosts));
  return mosts.map((most) => Math.min(count, most));
});

/** A provider's tokens that may still be in the cluster. */
export async function tokensToRevoke(db: Queryable, providerId: string): Promise<string[]> {
  const { rows } = await db.query<{ token_id: string }>(
    'select token_id from join_tokens where provider_id = $1 and deleted_at is null',
    [providerId],
  );
  return rows.map(({ token_id }) => token_id);
}

/**
 * The tokens that a newer one of the same provider replaces. Of the unused ones for the same node the newest stays: an
 * agent may be about to join with it. So does a token whose answer is about to be published.
 */
export const replacedTokens = together(replacedTokensOf);

/** The same for several providers, in their order. */
export async function replacedTokensOf(
  db: Queryable,
  replacements: readonly { providerId: string; newest: string }[],
): Promise<string[][]> {
  const { rows } = await db.query<{ provider_id: string; newest: string; token_id: string }>(
    prepared(`select n.provider_id, n.newest, t.token_id
       from unnest($1::text[], $2::bpchar[]) as n (provider_id, newest)
       join join_tokens t on t.provider_id = n.provider_id
      where t.deleted_at is null and t.token_id <> n.newest
        and (t.answered_at is not null or t.created_at < now() - interval '30 seconds')
        and t.token_id is distinct from
            (select o.token_id from join_tokens o
               join join_tokens l on l.token_id = n.newest and l.provider_id = n.provider_id and l.deleted_at is null
                and l.node_name = o.node_name
              where o.provider_id = n.provider_id and o.deleted_at is null and o.token_id <> n.newest
                and o.used_at is null and o.answered_at is not null and o.expires_at > now()
              order by o.created_at desc limit 1)`),
    [replacements.map(({ providerId }) => providerId), replacements.map(({ newest }) => newest)],
  );
  return replacements.map(({ providerId, newest }) =>
    rows.filter((row) => row.provider_id === providerId && row.newest === newest).map(({ token_id }) => token_id),
  );
}

/**
 * A provider's used tokens that may still be in the cluster. Unused tokens are kept: a reinstalled machine registers
 * and joins again while its old node may still count as ready.
 */
export async function usedTokens(db: Queryable, providerId: string): Promise<string[]> {
  const { rows } = await db.query<{ token_id: string }>(
    'select token_id from join_tokens where provider_id = $1 and deleted_at is null and used_at is not null',
    [providerId],
  );
  return rows.map(({ token_id }) => token_id);
}

/** Records that a node obtained its certificate with a token. */
export async function markTokenUsed(db: Queryable, tokenId: string): Promise<void> {
  await db.query('update join_tokens set used_at = coalesce(used_at, now()) where token_id = $1', [tokenId]);
}

/** Records that a token is no longer in the cluster. */
export async function markTokenDeleted(db: Queryable, tokenId: string): Promise<void> {
  await db.query('update join_tokens set deleted_at = coalesce(deleted_at, now()) where token_id = $1', [tokenId]);
}

/** The provider that a join token belongs to. */
export async function providerOfToken(db: Queryable, tokenId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ provider_id: string }>('select provider_id from join_tokens where token_id = $1', [
    tokenId,
  ]);
  return rows[0]?.provider_id;
}

/** The node that a token was created for; empty for an unknown token. */
export async function nodeOfToken(db: Queryable, tokenId: string): Promise<{ nodeName?: string }> {
  const { rows } = await db.query<{ node_name: string }>('select node_name from join_tokens where token_id = $1', [
    tokenId,
  ]);
  return rows[0] === undefined ? {} : { nodeName: rows[0].node_name };
}

/** An id for a token: six letters and digits. */
export function newTokenId(): string {
  return Array.from({ length: 6 }, () => alphabet[randomInt(alphabet.length)]).join('');
}
