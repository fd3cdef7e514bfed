import { z } from 'zod';
import type { AuthToken } from '../../db/auth-tokens.js';
import type { AuthSession, NewAuthSession } from '../../db/auth-sessions.js';
import type { Challenge } from '../../auth/customers/challenge.js';
import type { SessionPrincipal } from '../../auth/customers/principal.js';
import { delegationMessage, label, revocationMessage, scopeList } from '../../auth/shapes.js';
import { address, baseUnits, chainId, walletSignature } from '../../wire/shapes.js';

const amount = z
  .string()
  .regex(/^[0-9]+$/)
  .describe('Base units: 10^18 of them are one token');
const time = z.iso.datetime();

export const challengeBody = z.strictObject({
  wallet: address,
  session_key: address,
  chain_id: chainId.optional(),
  scopes: scopeList.optional(),
  spend_limit: baseUnits.optional(),
  ttl_seconds: z.int().min(60).max(31_536_000).optional(),
});

export const challengeReply = z.object({
  typed_data: z
    .object({ types: z.unknown(), primaryType: z.string(), domain: z.unknown(), message: z.unknown() })
    .describe('Ready for eth_signTypedData_v4'),
  nonce: z.string(),
  expires_in: z.int().describe('Seconds'),
  server_time: z.int().describe('Unix seconds'),
});

export const registrationBody = z.strictObject({
  message: delegationMessage,
  chain_id: chainId,
  signature: walletSignature,
  label: label.optional(),
});

export const registrationReply = z.object({
  session_id: z.uuid(),
  wallet: z.string(),
  session_key: z.string(),
  scopes: z.array(z.string()),
  spend_limit: amount,
  expires_at: time,
});

export const tokenBody = z.strictObject({
  scopes: scopeList.optional(),
  ttl_seconds: z.int().min(60).max(31_536_000).optional(),
});

export const tokenReply = z.object({
  token: z.string().describe('Shown only once'),
  token_id: z.uuid(),
  scopes: z.array(z.string()),
  expires_at: time,
});

export const revocationBody = z.strictObject({
  message: revocationMessage,
  chain_id: chainId,
  signature: walletSignature,
});

export const meReply = z.object({
  wallet: z.string(),
  session_id: z.uuid(),
  session_key: z.string(),
  token_id: z.uuid().optional(),
  kind: z.enum(['signed', 'bearer']),
  scopes: z.array(z.string()),
  expires_at: time,
  spend_limit: amount,
  spend_reserved: amount,
  spend_spent: amount,
  spend_remaining: amount,
  may_be_admin: z.boolean().describe('Whether the wallet may log in with the scope `admin`'),
});

export const sessionListReply = z.object({
  sessions: z.array(
    z.object({
      session_id: z.uuid(),
      session_key: z.string(),
      current: z.boolean().describe('The session of this request'),
      live: z.boolean(),
      label: z.string().optional(),
      chain_id: z.int(),
      wallet_kind: z.enum(['eoa', 'contract']),
      scopes: z.array(z.string()),
      spend_limit: amount,
      spend_reserved: amount,
      spend_spent: amount,
      created_at: time,
      expires_at: time,
      revoked_at: time.optional(),
      last_used_at: time.optional().describe('To the minute'),
      tokens: z.array(z.object({ token_id: z.uuid(), scopes: z.array(z.string()), expires_at: time })),
    }),
  ),
});

export function challengeReplyOf({
  typedData,
  nonce,
  expiresInS,
  serverTime,
}: Challenge): z.infer<typeof challengeReply> {
  return { typed_data: typedData, nonce, expires_in: expiresInS, server_time: serverTime };
}

export function registrationReplyOf(session: NewAuthSession): z.infer<typeof registrationReply> {
  return {
    session_id: session.id,
    wallet: session.wallet,
    session_key: session.sessionKey,
    scopes: session.scopes,
    spend_limit: session.spendLimit.toString(),
    expires_at: session.expiresAt.toISOString(),
  };
}

export function meReplyOf(principal: SessionPrincipal, admins: readonly string[]): z.infer<typeof meReply> {
  const { limit, reserved, spent } = principal.spend;
  return {
    wallet: principal.wallet,
    session_id: principal.sessionId,
    session_key: principal.sessionKey,
    ...(principal.tokenId === undefined ? {} : { token_id: principal.tokenId }),
    kind: principal.kind,
    scopes: [...principal.scopes],
    expires_at: principal.expiresAt.toISOString(),
    spend_limit: limit.toString(),
    spend_reserved: reserved.toString(),
    spend_spent: spent.toString(),
    spend_remaining: (limit - reserved - spent).toString(),
    may_be_admin: admins.includes(principal.wallet),
  };
}

export function sessionListReplyOf(
  sessions: readonly AuthSession[],
  tokens: readonly AuthToken[],
  currentId: string,
  nowMs: number,
): z.infer<typeof sessionListReply> {
  return {
    sessions: sessions.map((session) => ({
      session_id: session.id,
      session_key: session.sessionKey,
      current: session.id === currentId,
      live: isLive(session, nowMs),
      ...(session.label === undefined ? {} : { label: session.label }),
      chain_id: session.chainId,
      wallet_kind: session.walletKind,
      scopes: session.scopes,
      spend_limit: session.spendLimit.toString(),
      spend_reserved: session.reserved.toString(),
      spend_spent: session.spent.toString(),
      created_at: session.createdAt.toISOString(),
      expires_at: session.expiresAt.toISOString(),
      ...(session.revokedAt === undefined ? {} : { revoked_at: session.revokedAt.toISOString() }),
      ...(session.lastUsedAt === undefined ? {} : { last_used_at: session.lastUsedAt.toISOString() }),
      tokens: tokens
        .filter((token) => token.sessionId === session.id && isLive(session, nowMs))
        .map((token) => ({ token_id: token.id, scopes: token.scopes, expires_at: token.expiresAt.toISOString() })),
    })),
  };
}

function isLive({ revokedAt, expiresAt }: AuthSession, nowMs: number): boolean {
  return revokedAt === undefined && expiresAt.getTime() > nowMs;
}
