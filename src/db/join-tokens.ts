import { randomInt } from 'node:crypto';
import { violatedUnique, type Queryable } from './pool.js';
import { prepared } from './prepared.js';

/** A join token without its secret half. */
export interface JoinToken {
  tokenId: string;
  expiresAt: Date;
}

interface TokenNeeded {
  providerId: string;
  messageId: string;
  nodeName: string;
  /** How long a new token is valid. */
  ttlS: number;
  ahead?: JoinToken | undefined;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/**
 * The token for a message; a repeat of the message gets the same one. An expired or deleted token is renewed, because
 * the caller is about to create it in the cluster again.
 *
 * @param messageId the registration's id and the number of the join command.
 * @param ahead a token that is in the cluster already. It becomes the message's if that has none; otherwise it is left.
 */
export async function reserveJoinToken(
  db: Queryable,
  { providerId, messageId, nodeName, ttlS, ahead }: TokenNeeded,
): Promise<JoinToken> {
  for (let tries = 0; ; tries++) {
    const given = tries === 0 ? ahead : undefined;
    try {
      const { rows } = await db.query<{ token_id: string; expires_at: Date }>(
        prepared(`insert into join_tokens as t (token_id, provider_id, message_id, node_name, expires_at)
         values ($1, $2, $3, $4, coalesce($6, now() + make_interval(secs => $5)))
         on conflict (provider_id, message_id) do update
           set expires_at = case when t.deleted_at is null and t.expires_at > now() then t.expires_at
                                 else excluded.expires_at end,
               deleted_at = null
         returning token_id, expires_at`),
        [given?.tokenId ?? newTokenId(), providerId, messageId, nodeName, ttlS, given?.expiresAt ?? null],
      );
      const { token_id, expires_at } = rows[0]!;
      return { tokenId: token_id, expiresAt: expires_at };
    } catch (error) {
      // Another provider's token has this id, which has a chance of one in two billion.
      if (violatedUnique(error) !== 'join_tokens_pkey') throw error;
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
export async function liveAnswer(
  db: Queryable,
  sought: { providerId: string; command: string; wallet: string; signed: boolean; encKey?: string },
): Promise<LiveAnswer | undefined> {
  const { providerId, command, wallet, signed, encKey } = sought;
  const { rows } = await db.query<{
    token_id: string;
    expires_at: Date;
    message_id: string;
    node_name: string;
    answered_at: Date;
    delivered: boolean;
    sealed_for: string | null;
  }>(
    prepared(`select t.token_id, t.expires_at, t.message_id, t.node_name, t.answered_at,
            t.delivered_at is not null as delivered, t.sealed_for
       from join_tokens t join provider_registrations r
         on r.message_id = split_part(t.message_id, '#', 1) and r.provider_id = t.provider_id
      where t.provider_id = $1 and t.deleted_at is null and t.used_at is null and t.answered_at is not null
        and t.expires_at > now() + (t.expires_at - t.created_at) / 3 and r.wallet = $3 and r.signed = $4
        and (r.signed or t.sealed_for is not distinct from $5)
        and not exists (select from join_tokens o where o.provider_id = $1 and o.message_id = $2)
      order by t.created_at desc limit 1`),
    [providerId, command, wallet, signed, encKey ?? null],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    ...{ tokenId: row.token_id, expiresAt: row.expires_at, messageId: row.message_id, nodeName: row.node_name },
    ...{ answeredAt: row.answered_at, delivered: row.delivered },
    ...(row.sealed_for === null ? {} : { sealedFor: row.sealed_for }),
  };
}

/**
 * Records that the answer with this token was published.
 *
 * @param encKey the key that it was sealed for.
 * @param answeredAt by the clock of the streams, which registrations have, too: an agent may ask again within the
 * millisecond in which it was answered.
 */
export async function markTokenAnswered(
  db: Queryable,
  tokenId: string,
  { encKey, answeredAt }: { encKey: string | undefined; answeredAt: Date },
): Promise<void> {
  await db.query(
    prepared(`update join_tokens
        set answered_at = $3, sealed_for = $2,
            delivered_at = case when sealed_for is not distinct from $2 then delivered_at end
      where token_id = $1`),
    [tokenId, encKey ?? null, answeredAt],
  );
}

/** Records that an agent has taken the answer with this token. */
export async function markTokenDelivered(db: Queryable, tokenId: string): Promise<void> {
  await db.query(prepared('update join_tokens set delivered_at = now() where token_id = $1'), [tokenId]);
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
 * agent may be about to join with it. So does one that another answer is about to be given with.
 */
export async function replacedTokens(db: Queryable, providerId: string, newest: string): Promise<string[]> {
  const { rows } = await db.query<{ token_id: string }>(
    prepared(`with live as (select * from join_tokens where provider_id = $1 and deleted_at is null)
     select token_id from live
      where token_id <> $2
        and (answered_at is not null or created_at < now() - interval '30 seconds')
        and token_id is distinct from
            (select o.token_id from live o join live n on n.token_id = $2 and n.node_name = o.node_name
              where o.token_id <> $2 and o.used_at is null and o.answered_at is not null and o.expires_at > now()
              order by o.created_at desc limit 1)`),
    [providerId, newest],
  );
  return rows.map(({ token_id }) => token_id);
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
