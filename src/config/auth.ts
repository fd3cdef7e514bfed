import { z } from 'zod';
import { flag, list, whole } from './values.js';

export const authVariables = {
  /**
   * The public origin, such as `https://broker.example.com`: wallets, session keys and node keys sign it, and it is never taken
   * from a `Host` header. Required in production. It can hardly be changed later: what was signed for another origin is
   * refused.
   */
  AUTH_AUDIENCE: z
    .url({ protocol: /^https?$/ })
    .transform((value) => new URL(value).origin)
    .describe('URL')
    .default('http://localhost:8080'),
  /** What a proxy takes off the front of the path, such as `/broker`: clients sign the path that they send. Empty: nothing. */
  AUTH_TARGET_PREFIX: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._~-]+)*$/, 'must be a path such as /broker')
    .describe('path such as /broker')
    .default(''),
  /** Ids of the chains whose wallets may log in; the first is proposed. Empty: `BLOCKCHAIN_CHAIN_ID`, or else 1. */
  AUTH_CHAIN_IDS: list
    .transform((ids) => ids.map(Number))
    .pipe(z.array(z.number().int().positive()))
    .describe('list of whole numbers, separated by commas'),
  /**
   * How far the clock of a client may be off when it signs a request. Nonces are kept for twice as long. Short refuses clients
   * with a bad clock; long keeps a recorded request usable for longer where Redis lost its nonces.
   */
  AUTH_MAX_SKEW_S: whole(60, 5, 300),
  /**
   * How long a wallet may take to sign a login. Short is too short for people with a hardware wallet; the nonce of each login is
   * remembered for twice as long.
   */
  AUTH_CHALLENGE_TTL_S: whole(300, 30, 3_600),
  /** Life of a session whose client does not ask for another. Above `AUTH_SESSION_TTL_MAX_S` that one counts. */
  AUTH_SESSION_TTL_S: whole(86_400, 60, 604_800),
  /** Longest life of a session that a client may ask for. A stolen session key is good for so long, unless it is revoked. */
  AUTH_SESSION_TTL_MAX_S: whole(604_800, 60, 31_536_000),
  /** Life of a bearer token whose client does not ask for another. Above `AUTH_TOKEN_TTL_MAX_S` that one counts. */
  AUTH_TOKEN_TTL_S: whole(3_600, 60, 86_400),
  /** Longest life of a bearer token; it never outlives its session. A leaked token is good for so long, unless revoked. */
  AUTH_TOKEN_TTL_MAX_S: whole(86_400, 60, 604_800),
  /** Sessions of one wallet that are valid at the same time; one more is refused until another is revoked or expires. */
  AUTH_MAX_SESSIONS: whole(10, 1, 1_000),
  /** Tokens of one session that are valid at the same time; one more is refused until another is revoked or expires. */
  AUTH_MAX_TOKENS: whole(10, 1, 1_000),
  /** Whether contract wallets may log in. Their signatures are checked by asking the contract, through `AUTH_RPC_URL`. */
  AUTH_SMART_WALLETS: flag(false),
  /** JSON-RPC endpoint of the chain. Required with `AUTH_SMART_WALLETS`; while it is away, contract wallets get 503. */
  AUTH_RPC_URL: z.url().describe('URL').optional(),
  /** Addresses of the wallets that may open sessions with the scope `admin`. Empty: nobody is an operator. */
  ADMIN_WALLETS: list.transform((wallets) => wallets.map((wallet) => wallet.toLowerCase())),
  /** Id of the chain that jobs are paid on. It is what `AUTH_CHAIN_IDS` is unless set. */
  BLOCKCHAIN_CHAIN_ID: z.coerce.number().int().positive().optional(),
  /**
   * Reserved: read by nothing yet.
   *
   * @internal
   */
  ENABLE_BLOCKCHAIN: flag(false),
};
