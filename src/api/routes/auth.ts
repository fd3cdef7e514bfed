import type { z } from 'zod';
import type { Auth } from '../../auth/customers/auth.js';
import { registrationRoute, verifyProofOfPossession } from '../../auth/customers/authenticate.js';
import { issueChallenge } from '../../auth/customers/challenge.js';
import {
  challengeBody,
  challengeReply,
  challengeReplyOf,
  meReply,
  meReplyOf,
  registrationBody,
  registrationReply,
  registrationReplyOf,
  revocationBody,
  sessionListReply,
  sessionListReplyOf,
  tokenBody,
  tokenReply,
} from '../schemas/auth.js';
import { revokeAll, revokeByWallet } from '../../auth/customers/revocation.js';
import { registerSession } from '../../auth/customers/sessions.js';
import { mintToken } from '../../auth/customers/tokens.js';
import { listSessions, revokeSession } from '../../db/auth-sessions.js';
import { liveTokens, revokeToken } from '../../db/auth-tokens.js';
import { BrokerError } from '../../domain/errors.js';
import { printable } from '../../domain/outside.js';
import { isUuid } from '../../domain/uuid.js';
import { letThrough } from '../middleware/rate-limits.js';
import { replyUncached } from '../reply-uncached.js';
import { principalOf } from '../principal.js';
import type { ApiContext, RouteRule } from '../route.js';

const base = '/api/v1/auth';
/** How many of a wallet's sessions are listed: twice as many as can live by default, and then ended ones. */
const sessionsListed = 100;

/** Logs a wallet in and manages its sessions. A caller changes only its own wallet's sessions. */
export function authRoutes(auth: Auth): RouteRule[] {
  return [...loginRoutes(auth), ...sessionRoutes(auth), ...tokenRoutes(auth), ...walletRoutes(auth)];
}

/** Login: the wallet signs a challenge, and a session key sends the signature back. */
function loginRoutes(auth: Auth): RouteRule[] {
  return [
    {
      method: 'POST',
      path: `${base}/challenge`,
      auth: 'none',
      scopes: [],
      limit: 'read',
      summary: 'Begin a login: get the message that the wallet has to sign',
      request: { body: challengeBody },
      responses: { 200: { description: 'The message, valid for one login', schema: challengeReply } },
      errors: ['scope_denied'],
      handler: async (ctx) => {
        const body = bodyOf(ctx, challengeBody);
        const challenge = await issueChallenge(auth, {
          wallet: body.wallet,
          sessionKey: body.session_key,
          chainId: body.chain_id,
          scopes: body.scopes,
          spendLimit: body.spend_limit,
          ttlSeconds: body.ttl_seconds,
        });
        replyUncached(ctx, 200, challengeReplyOf(challenge));
      },
    },
    {
      method: registrationRoute.method,
      path: registrationRoute.path,
      auth: 'session-proof',
      scopes: [],
      limit: 'proof',
      summary: 'Finish a login: the session key that signs this request speaks for the wallet',
      request: { body: registrationBody },
      responses: { 201: { description: 'The session', schema: registrationReply } },
      errors: ['challenge_invalid', 'session_key_in_use', 'scope_denied', 'blocked', 'quota_exceeded'],
      handler: async (ctx) => {
        const { message, chain_id, signature, label } = bodyOf(ctx, registrationBody);
        const session = await registerSession(auth, {
          message,
          chainId: chain_id,
          signature,
          label,
          ip: ctx.state.ip,
          userAgent: printable(ctx.get('user-agent')),
          proveSessionKey: () =>
            verifyProofOfPossession(auth, {
              method: ctx.method,
              target: ctx.req.url ?? '',
              headers: ctx.req.headers,
              bodyBytes: ctx.state.bodyBytes,
              ip: ctx.state.ip,
            }),
        });
        letThrough(ctx.state);
        replyUncached(ctx, 201, registrationReplyOf(session));
      },
    },
  ];
}

/** The wallet's sessions. */
function sessionRoutes(auth: Auth): RouteRule[] {
  const { pool, now } = auth;
  return [
    {
      method: 'GET',
      path: `${base}/sessions`,
      auth: 'any',
      scopes: [],
      limit: 'read',
      summary: 'List your sessions, newest first, with their live tokens',
      responses: { 200: { description: 'The newest sessions', schema: sessionListReply } },
      errors: [],
      handler: async (ctx) => {
        const { wallet, sessionId } = principalOf(ctx);
        const sessions = await listSessions(pool, wallet, sessionsListed);
        const ids = sessions.map(({ id }) => id);
        const tokens = await liveTokens(pool, ids, new Date(now()));
        replyUncached(ctx, 200, sessionListReplyOf(sessions, tokens, sessionId, now()));
      },
    },
    {
      method: 'DELETE',
      path: `${base}/sessions`,
      auth: 'signed',
      scopes: [],
      limit: 'write',
      summary: 'Revoke all sessions of the wallet, this one too',
      responses: { 204: { description: 'All sessions are revoked' } },
      errors: [],
      handler: async (ctx) => {
        await revokeAll(auth, principalOf(ctx).wallet);
        replyUncached(ctx, 204);
      },
    },
    {
      method: 'DELETE',
      path: `${base}/sessions/:id`,
      auth: 'any',
      scopes: [],
      limit: 'write',
      summary: 'Revoke a session of the wallet, and its tokens',
      responses: { 204: { description: 'Revoked' } },
      errors: ['session_not_found'],
      handler: async (ctx) => {
        const { id = '' } = ctx.state.params;
        const found = isUuid(id) && (await revokeSession(pool, principalOf(ctx).wallet, id, new Date(now())));
        if (!found) throw new BrokerError('session_not_found', 'the wallet has no such session');
        replyUncached(ctx, 204);
      },
    },
  ];
}

/** Bearer tokens of a session. */
function tokenRoutes(auth: Auth): RouteRule[] {
  const { pool, now } = auth;
  return [
    {
      method: 'POST',
      path: `${base}/tokens`,
      auth: 'signed',
      scopes: [],
      limit: 'write',
      summary: 'Create a bearer token with some of the session’s scopes',
      request: { body: tokenBody },
      responses: { 201: { description: 'The token, shown only once', schema: tokenReply } },
      errors: ['scope_denied', 'quota_exceeded'],
      handler: async (ctx) => {
        const { scopes, ttl_seconds } = bodyOf(ctx, tokenBody);
        const minted = await mintToken(auth, principalOf(ctx), { scopes, ttlSeconds: ttl_seconds });
        const { token, tokenId, expiresAt } = minted;
        replyUncached(ctx, 201, {
          token,
          token_id: tokenId,
          scopes: minted.scopes,
          expires_at: expiresAt.toISOString(),
        });
      },
    },
    {
      method: 'DELETE',
      path: `${base}/tokens/:id`,
      auth: 'any',
      scopes: [],
      limit: 'write',
      summary: 'Revoke a token of the wallet',
      responses: { 204: { description: 'Revoked' } },
      errors: ['token_not_found'],
      handler: async (ctx) => {
        const { id = '' } = ctx.state.params;
        const found = isUuid(id) && (await revokeToken(pool, principalOf(ctx).wallet, id, new Date(now())));
        if (!found) throw new BrokerError('token_not_found', 'the wallet has no such token');
        replyUncached(ctx, 204);
      },
    },
  ];
}

/** Whom a credential speaks for, and how to revoke sessions without one. */
function walletRoutes(auth: Auth): RouteRule[] {
  return [
    {
      method: 'GET',
      path: `${base}/me`,
      auth: 'any',
      scopes: [],
      limit: 'read',
      summary: 'Whom this credential speaks for, and how much it may still spend',
      responses: { 200: { description: 'The caller', schema: meReply } },
      errors: [],
      handler: async (ctx) => replyUncached(ctx, 200, meReplyOf(principalOf(ctx), auth.config.ADMIN_WALLETS)),
    },
    {
      method: 'POST',
      path: `${base}/revoke`,
      auth: 'none',
      scopes: [],
      limit: 'proof',
      summary: 'Revoke one session or all with the wallet’s own signature, in case the session key is lost',
      request: { body: revocationBody },
      responses: { 204: { description: 'Revoked' } },
      errors: ['signature_invalid', 'timestamp_skew', 'nonce_reused', 'session_not_found', 'auth_backend_unavailable'],
      handler: async (ctx) => {
        const { message, chain_id, signature } = bodyOf(ctx, revocationBody);
        await revokeByWallet(auth, { message, chainId: chain_id, signature, ip: ctx.state.ip });
        letThrough(ctx.state);
        replyUncached(ctx, 204);
      },
    },
  ];
}

/** The body, as the rule's schema parsed it. */
function bodyOf<S extends z.ZodType>(ctx: ApiContext, _schema: S): z.infer<S> {
  return ctx.state.body as z.infer<S>;
}
