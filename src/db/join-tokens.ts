import { randomInt } from 'node:crypto';
import { violatedUnique, type Queryable } from './pool.js';

/** A join token without its secret half. */
interface JoinToken {
  tokenId: string;
  expiresAt: Date;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/**
 * The token for a message; a repeat of the message gets the same one. An expired or deleted token is renewed, because
 * the caller is about to create it in the cluster again.
 *
 * @param messageId the registration's id and the number of the join command.
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
      // Another provider's token has this id, which has a chance of one in two billion.
      if (violatedUnique(error) !== 'join_tokens_pkey') throw error;
    }
  }
}

/** A provider's tokens that may still be in the cluster, except one. */
export async function tokensToRevoke(db: Queryable, providerId: string, except?: string): Promise<string[]> {
  const { rows } = await db.query<{ token_id: string }>(
    `select token_id from join_tokens
      where provider_id = $1 and deleted_at is null and ($2::text is null or token_id <> $2)`,
    [providerId, except ?? null],
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

function newTokenId(): string {
  return Array.from({ length: 6 }, () => alphabet[randomInt(alphabet.length)]).join('');
}
