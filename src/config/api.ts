import { z } from 'zod';
import { flag, list, port, whole } from './values.js';

const shownName = z
  .string()
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,38}[\x21-\x7e])?$/, 'must be 1 to 40 printable ASCII characters');

export const apiVariables = {
  /** What this site calls itself, where people see it. */
  SITE_NAME: shownName.default('WorldLand'),
  /** What prices are called: a display name of the token. It changes no amount. */
  TOKEN_SYMBOL: shownName.default('WLC'),
  /** Port of the public API. 0 takes a free port, for tests. */
  PROXY_PORT: port(8080),
  /** Address that the public API listens on. */
  PROXY_HOST: z.string().default('0.0.0.0'),
  /** Origins whose pages may call the API from a browser. Empty: none. Other clients than browsers are not affected. */
  ALLOWED_ORIGINS: list,
  /**
   * Set it behind exactly one load balancer that sets `X-Forwarded-For`. If it is set without a balancer, anybody can
   * forge the address that limits count by; if it is not set behind one, all clients share one address and its limits.
   */
  TRUST_PROXY: flag(false),
  /**
   * Connections to the API at the same time. At the bound, a new connection replaces the one that has been idle for
   * longest. Too low cuts off clients that keep connections open; above the number of files that the process may open,
   * it cannot accept connections.
   */
  MAX_CONNECTIONS: whole(2_000, 10, 1_000_000),
  /**
   * Connections of one address at the same time. It has no effect with `TRUST_PROXY`, because then all connections come
   * from the balancer's address. Too low harms offices and data centres whose machines share an address.
   */
  MAX_CONNECTIONS_PER_IP: whole(256, 1, 1_000_000),

  /**
   * Requests a minute from one address without a valid credential; requests with one are counted by wallet. Each
   * process counts for itself. Too low refuses public reads to people who share an address; too high lets one address
   * overload the process.
   */
  RATE_LIMIT_PER_IP: whole(600, 1, 10_000_000),
  /** Reads a minute of one wallet. Clients that poll jobs reach it first. */
  RATE_LIMIT_READS: whole(300, 1, 10_000_000),
  /** Changes a minute of one wallet, except orders. */
  RATE_LIMIT_WRITES: whole(60, 1, 10_000_000),
  /** Orders (`POST /api/v1/jobs`) a minute of one wallet. Each starts a workflow and takes capacity. */
  RATE_LIMIT_JOBS: whole(10, 1, 10_000_000),
  /**
   * Logins and revocations a minute of one wallet; also the number of wallets a minute that may log in for the first
   * time from one address. New wallets cost nothing and leave rows, so a high value lets one address fill the database.
   */
  RATE_LIMIT_LOGINS: whole(10, 1, 10_000_000),
  /**
   * Invalid credentials in five minutes from one address. Above it, invalid ones get 429; valid ones are still
   * accepted.
   */
  RATE_LIMIT_AUTH_FAILURES: whole(30, 1, 10_000_000),
  /**
   * Messages a minute over HTTPS from one address that no known node key has signed. Too low keeps new machines that
   * share an address from registering.
   */
  RATE_LIMIT_PROVIDERS: whole(300, 1, 10_000_000),
  /**
   * Messages and requests for answers a minute, over HTTPS, signed by the key of one provider. An agent sends two
   * messages a minute and, while it joins, asks for answers every few seconds. Too low refuses heartbeats, and the
   * provider goes offline.
   */
  RATE_LIMIT_PER_PROVIDER: whole(120, 1, 10_000_000),
};
