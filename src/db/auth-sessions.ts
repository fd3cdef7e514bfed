import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

export type WalletKind = 'eoa' | 'contract';

/** A session as stored. Addresses are in lower case, amounts in base units. */
export interface AuthSession {
  id: string;
  wallet: string;
  sessionKey: string;
  chainId: number;
  walletKind: WalletKind;
  scopes: string[];
  spendLimit: bigint;
  reserved: bigint;
  spent: bigint;
  label?: string;
  createdAt: Date;
  expiresAt: Date;
  revokedAt?: Date;
  lastUsedAt?: Date;
}

export interface NewAuthSession extends Omit<AuthSession, 'reserved' | 'spent' | 'revokedAt' | 'lastUsedAt'> {
  /** The signed message and the wallet's signature, kept as evidence. */
  delegation: Record<string, unknown>;
  signature: string;
  createdIp?: string;
  userAgent?: string;
}

export interface SessionRow {
  id: string;
  wallet: string;
  session_key: string;
  chain_id: number;
  wallet_kind: WalletKind;
  scopes: string[];
  spend_limit: string;
  reserved: string;
  spent: string;
  label: string | null;
  created_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

export const sessionColumns = `s.id, s.wallet, s.session_key, s.chain_id, s.wallet_kind, s.scopes, s.spend_limit, s.reserved,
  s.spent, s.label, s.created_at, s.expires_at, s.revoked_at, s.last_used_at`;

export function sessionOf(row: SessionRow): AuthSession {
  return {
    id: row.id,
    wallet: row.wallet,
    sessionKey: row.session_key,
    chainId: row.chain_id,
    walletKind: row.wallet_kind,
    scopes: row.scopes,
    spendLimit: BigInt(row.spend_limit),
    reserved: BigInt(row.reserved),
    spent: BigInt(row.spent),
    ...(row.label === null ? {} : { label: row.label }),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  };
}

/**
 * Locks a wallet's row until the transaction ends, creating the row if there is none.
 *
 * @returns logins that began before this time are void.
 */
export async function lockWallet(tx: Queryable, wallet: string): Promise<{ loginsVoidBefore?: Date }> {
  const { rows } = await tx.query<{ logins_void_before: Date | null }>(
    `insert into auth_wallets (wallet) values ($1)
     on conflict (wallet) do update set wallet = excluded.wallet
     returning logins_void_before`,
    [wallet],
  );
  const before = rows[0]!.logins_void_before;
  return before === null ? {} : { loginsVoidBefore: before };
}

export async function countLiveSessions(tx: Queryable, wallet: string, now: Date): Promise<number> {
  const { rows } = await tx.query<{ live: number }>(
    `select count(*)::int as live from auth_sessions where wallet = $1 and revoked_at is null and expires_at > $2`,
    [wallet, now],
  );
  return rows[0]!.live;
}

/** @returns false when the session key already belongs to a session of any wallet. */
export async function insertSession(tx: Queryable, session: NewAuthSession): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into auth_sessions (id, wallet, session_key, chain_id, wallet_kind, scopes, spend_limit, delegation, signature,
                                label, created_at, expires_at, created_ip, user_agent)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (session_key) do nothing`,
    [
      session.id,
      session.wallet,
      session.sessionKey,
      session.chainId,
      session.walletKind,
      session.scopes,
      session.spendLimit.toString(),
      JSON.stringify(session.delegation),
      session.signature,
      session.label ?? null,
      session.createdAt,
      session.expiresAt,
      session.createdIp ?? null,
      session.userAgent ?? null,
    ],
  );
  return rowCount === 1;
}

export async function findSession(db: Queryable, id: string): Promise<AuthSession | undefined> {
  const { rows } = await db.query<SessionRow>(`select ${sessionColumns} from auth_sessions s where s.id = $1`, [id]);
  return rows[0] && sessionOf(rows[0]);
}

/** The sessions with these keys, still valid or not. */
export async function findSessionsByKey(
  db: Queryable,
  sessionKeys: readonly string[],
): Promise<Map<string, AuthSession>> {
  const { rows } = await db.query<SessionRow>(
    prepared(`select ${sessionColumns} from unnest($1::bpchar[]) as asked (key)
             join auth_sessions s on s.session_key = asked.key`),
    [sessionKeys],
  );
  return new Map(rows.map((row) => [row.session_key, sessionOf(row)]));
}

/** Whether a wallet has ever logged in or revoked anything. */
export async function isKnownWallet(db: Queryable, wallet: string): Promise<boolean> {
  const { rowCount } = await db.query('select from auth_wallets where wallet = $1', [wallet]);
  return rowCount === 1;
}

/** A wallet's newest sessions, newest first, including those that have ended. */
export async function listSessions(db: Queryable, wallet: string, limit: number): Promise<AuthSession[]> {
  const { rows } = await db.query<SessionRow>(
    `select ${sessionColumns} from auth_sessions s where s.wallet = $1 order by s.created_at desc, s.id limit $2`,
    [wallet, limit],
  );
  return rows.map(sessionOf);
}

/** @returns false when the wallet has no such session. */
export async function revokeSession(db: Queryable, wallet: string, id: string, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    'update auth_sessions set revoked_at = coalesce(revoked_at, $3) where id = $2 and wallet = $1',
    [wallet, id, now],
  );
  return rowCount === 1;
}

/** @returns false when the wallet has no session with this key. */
export async function revokeSessionKey(db: Queryable, wallet: string, sessionKey: string, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    'update auth_sessions set revoked_at = coalesce(revoked_at, $3) where session_key = $2 and wallet = $1',
    [wallet, sessionKey, now],
  );
  return rowCount === 1;
}

/**
 * Revokes all sessions of a wallet and all its unfinished logins. Run it in a transaction that holds `lockWallet`;
 * otherwise it would miss a login in progress.
 */
export async function revokeAllSessions(tx: Queryable, wallet: string, now: Date): Promise<void> {
  await tx.query(
    `update auth_wallets set logins_void_before = greatest(logins_void_before, $2::timestamptz) where wallet = $1`,
    [wallet, now],
  );
  await tx.query('update auth_sessions set revoked_at = $2 where wallet = $1 and revoked_at is null', [wallet, now]);
}

/** @returns false when this revocation has already been carried out. */
export async function insertRevocation(
  tx: Queryable,
  revocation: { wallet: string; nonce: string; sessionKey: string; signature: string; now: Date },
): Promise<boolean> {
  const { wallet, nonce, sessionKey, signature, now } = revocation;
  const { rowCount } = await tx.query(
    `insert into auth_revocations (wallet, nonce, session_key, signature, created_at) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [wallet, nonce, sessionKey, signature, now],
  );
  return rowCount === 1;
}

/**
 * Records that a session was used, unless it was recorded since `before`: a busy session is not written on every
 * request.
 */
export async function touchSession(db: Queryable, id: string, now: Date, before: Date): Promise<void> {
  await db.query(
    'update auth_sessions set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $3)',
    [id, now, before],
  );
}
