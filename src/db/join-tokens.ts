import { randomInt } from 'node:crypto';
import { violatedUnique, type Queryable } from './pool.js';

/** A join token without its secret half. */
export interface JoinToken {
  tokenId: string;
  expiresAt: Date;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/**
 * The token that answers a message: the same one for a repeat of the same message. One that has expired or was deleted
 * meanwhile is given a new life, since whoever asks again is about to make it anew in the cluster.
 *
 * @param messageId the registration, and which of its join commands this is.
 */
export async function reserveJoinToken(
  db: Queryable,
  { providerId, messageId, nodeName, ttlS }: { providerId: string; messageId: string; nodeName: string; ttlS: number },
): Promise<JoinToken> {
  for (;;) {
    try {
      const { rows } = await db.query<{ token_id: string; expires_at: Date }>(
        `insert into join_tokens as t (token_id, provider_id, message_id, node_name, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5))
         on conflict (provider_id, message_id) do update
           set expires_at = case when t.deleted_at is null and t.expires_at > now() then t.expires_at
                                 else excluded.expires_at end,
               deleted_at = null
         returning token_id, expires_at`,
        [newTokenId(), providerId, messageId, nodeName, ttlS],
      );
      const { token_id, expires_at } = rows[0]!;
      return { tokenId: token_id, expiresAt: expires_at };
    } catch (error) {
      // Another provider's token has this id: one in two thousand million.
      if (violatedUnique(error) !== 'join_tokens_pkey') throw error;
    }
  }
}

/** Tokens of a provider that may still be in the cluster, but for one. */
export async function tokensToRevoke(db: Queryable, providerId: string, except?: string): Promise<string[]> {
  const { rows } = await db.query<{ token_id: string }>(
    `select token_id from join_tokens
      where provider_id = $1 and deleted_at is null and ($2::text is null or token_id <> $2)`,
    [providerId, except ?? null],
  );
  return rows.map(({ token_id }) => token_id);
}

/**
 * Tokens of a provider that may still be in the cluster and have done their work. One that was not used yet is left: a
 * machine that was set up anew registers and joins again while its node of before may still count as ready.
 */
export async function usedTokens(db: Queryable, providerId: string): Promise<string[]> {
  const { rows } = await db.query<{ token_id: string }>(
    'select token_id from join_tokens where provider_id = $1 and deleted_at is null and used_at is not null',
    [providerId],
  );
  return rows.map(({ token_id }) => token_id);
}

/** Notes that a node has got its certificate by a token. */
export async function markTokenUsed(db: Queryable, tokenId: string): Promise<void> {
  await db.query('update join_tokens set used_at = coalesce(used_at, now()) where token_id = $1', [tokenId]);
}

/** Notes that a token is not in the cluster any more. */
export async function markTokenDeleted(db: Queryable, tokenId: string): Promise<void> {
  await db.query('update join_tokens set deleted_at = coalesce(deleted_at, now()) where token_id = $1', [tokenId]);
}

/** Whose join token this is. */
export async function providerOfToken(db: Queryable, tokenId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ provider_id: string }>('select provider_id from join_tokens where token_id = $1', [
    tokenId,
  ]);
  return rows[0]?.provider_id;
}

/** The node that a token was made for; empty when nobody knows the token. */
export async function nodeOfToken(db: Queryable, tokenId: string): Promise<{ nodeName?: string }> {
  const { rows } = await db.query<{ node_name: string }>('select node_name from join_tokens where token_id = $1', [
    tokenId,
  ]);
  return rows[0] === undefined ? {} : { nodeName: rows[0].node_name };
}

function newTokenId(): string {
  return Array.from({ length: 6 }, () => alphabet[randomInt(alphabet.length)]).join('');
}
