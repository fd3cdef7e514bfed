import type { Queryable } from './pool.js';

/** So many providers of one wallet may be registered and not have joined; each has a workflow that waits for it. */
export const neverJoinedPerWallet = 1_000;

/** Whether a wallet may register this provider: it is known already, or few of the wallet's others have never joined. */
export async function hasRoomForProvider(
  db: Queryable,
  { providerId, wallet, signed }: { providerId: string; wallet: string; signed: boolean },
): Promise<boolean> {
  // What does not sign may name anybody's wallet, and must not use up what its owner may register.
  if (!signed) return true;
  const { rows } = await db.query<{ room: boolean }>({
    name: 'room-for-provider',
    text: `select exists (select from providers where provider_id = $1)
               or (select count(*) from (select from providers
                                          where wallet_addr = $2 and wallet_verified and joined_at is null
                                            and status <> 'retired' limit $3) waiting) < $3 as room`,
    values: [providerId, wallet, neverJoinedPerWallet],
  });
  return rows[0]!.room;
}
