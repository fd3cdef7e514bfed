import { z } from 'zod';
import { flag, list, whole } from './values.js';

export const authVariables = {
  /**
   * The public origin, such as `https://broker.example.com`. Wallets, session keys and node keys sign it; the broker
   * never takes it from a `Host` header. Required in production. Do not change it later: the broker refuses whatever
   * was signed for another origin.
   */
  AUTH_AUDIENCE: z
    .url({ protocol: /^https?$/ })
    .transform((value) => new URL(value).origin)
    .describe('URL')
    .default('http://localhost:8080'),
  /**
   * The prefix that a proxy removes from the path, such as `/broker`: clients sign the path that they send. Empty:
   * none.
   */
  AUTH_TARGET_PREFIX: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._~-]+)*$/, 'must be a path such as /broker')
    .describe('path such as /broker')
    .default(''),
  /**
   * Ids of the chains whose wallets may log in; the broker proposes the first. Empty: `BLOCKCHAIN_CHAIN_ID`, or else 1.
   */
  AUTH_CHAIN_IDS: list
    .transform((ids) => ids.map(Number))
    .pipe(z.array(z.number().int().positive()))
    .describe('list of whole numbers, separated by commas'),
  /**
   * How far a client's clock may be off when it signs a request. Nonces are kept for twice as long. Short refuses
   * clients with a wrong clock; long lets a recorded request be replayed for longer if Redis loses its nonces.
   */
  AUTH_MAX_SKEW_S: whole(60, 5, 300),
  /**
   * How long a wallet may take to sign a login. A short time is not enough for people with a hardware wallet; the nonce
   * of each login is kept for twice as long.
   */
  AUTH_CHALLENGE_TTL_S: whole(300, 30, 3_600),
  /** Life of a session whose client does not ask for another. `AUTH_SESSION_TTL_MAX_S` bounds it. */
  AUTH_SESSION_TTL_S: whole(86_400, 60, 604_800),
  /**
   * Longest life of a session that a client may ask for. A stolen session key works for that long, unless it is
   * revoked.
   */
  AUTH_SESSION_TTL_MAX_S: whole(604_800, 60, 31_536_000),
  /** Life of a bearer token whose client does not ask for another. `AUTH_TOKEN_TTL_MAX_S` bounds it. */
  AUTH_TOKEN_TTL_S: whole(3_600, 60, 86_400),
  /**
   * Longest life of a bearer token; it never outlives its session. A leaked token works for that long, unless it is
   * revoked.
   */
  AUTH_TOKEN_TTL_MAX_S: whole(86_400, 60, 604_800),
  /** Valid sessions of one wallet; the broker refuses another one until one of them is revoked or expires. */
  AUTH_MAX_SESSIONS: whole(10, 1, 1_000),
  /** Valid tokens of one session; the broker refuses another one until one of them is revoked or expires. */
  AUTH_MAX_TOKENS: whole(10, 1, 1_000),
  /**
   * Whether contract wallets may log in and own providers. The broker checks their signatures by asking the contract,
   * through `AUTH_RPC_URL`. The roles `api` and `relay` ask it.
   */
  AUTH_SMART_WALLETS: flag(false),
  /**
   * JSON-RPC endpoint of the chain. Required with `AUTH_SMART_WALLETS`; while it does not answer, contract wallets get
   * 503, and their machines' registrations wait.
   */
  AUTH_RPC_URL: z.url().describe('URL').optional(),
  /** Addresses of the wallets that may open sessions with the scope `admin`. Empty: nobody is an operator. */
  ADMIN_WALLETS: list.transform((wallets) => wallets.map((wallet) => wallet.toLowerCase())),
  /**
   * Addresses of guardians of the vault: they may open sessions with the scope `settlements:read`, which reads the receipts
   * of all customers and changes nothing.
   */
  GUARDIAN_WALLETS: list.transform((wallets) => wallets.map((wallet) => wallet.toLowerCase())),
};
