import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

/** What a caller proved its identity with. */
interface UsedCredential {
  sessionId: string;
  tokenId?: string | undefined;
}

/** Which of these, by their places in the list, are revoked or over, or were so long ago that nothing is left of them. */
export async function endedCredentials(db: Queryable, used: readonly UsedCredential[]): Promise<Set<number>> {
  if (used.length === 0) return new Set();
  const { rows } = await db.query<{ place: number }>(
    prepared(`select (c.n - 1)::integer as place
       from unnest($1::uuid[], $2::uuid[]) with ordinality as c (session_id, token_id, n)
      where not exists (select from auth_sessions s
                         where s.id = c.session_id and s.revoked_at is null and s.expires_at > now())
         or (c.token_id is not null
             and not exists (select from auth_tokens t
                              where t.id = c.token_id and t.revoked_at is null and t.expires_at > now()))`),
    [used.map(({ sessionId }) => sessionId), used.map(({ tokenId }) => tokenId ?? null)],
  );
  return new Set(rows.map(({ place }) => place));
}
