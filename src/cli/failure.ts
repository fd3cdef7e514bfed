/** What `wl` exits with. Scripts decide by these, so a number never changes its meaning. */
export const exitCodes = {
  done: 0,
  bug: 1,
  usage: 2,
  notLoggedIn: 3,
  notFound: 4,
  noCapacity: 5,
  money: 6,
  notRunning: 7,
  unreachable: 8,
  timeout: 124,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** For `wl help exit-codes` and docs/cli.md. */
export const exitCodeTexts: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.done, 'done'],
  [exitCodes.bug, 'something went wrong in wl or in the broker'],
  [exitCodes.usage, 'the command is wrong, or a value in it'],
  [exitCodes.notLoggedIn, 'not logged in, or the login does not allow it'],
  [exitCodes.notFound, 'no such job, provider, session, token, key or settlement'],
  [exitCodes.noCapacity, 'nobody has these GPUs free'],
  [exitCodes.money, 'the spending limit, a quota or the funds do not cover it'],
  [exitCodes.notRunning, 'the job did not start, has failed or has ended; the chain or the vault refused'],
  [exitCodes.unreachable, 'the broker does not answer, or answers nonsense; 503; 429 after retries'],
  [exitCodes.timeout, '--timeout is over; the job, or what was sent, goes on'],
  [exitCodes.interrupted, 'interrupted'],
];

/** An error that its person can do something about: what is wrong, and what to type. */
export class Failure extends Error {
  override readonly name = 'Failure';

  constructor(
    readonly exitCode: ExitCode,
    message: string,
    /** What to type or to change, as a line of its own. */
    readonly remedy?: string,
  ) {
    super(message);
  }
}

/** A mistake in the command. */
export function usage(message: string, remedy?: string): Failure {
  return new Failure(exitCodes.usage, message, remedy);
}

const byCode: Readonly<Record<string, ExitCode>> = {
  scope_denied: exitCodes.notLoggedIn,
  provider_not_yours: exitCodes.notLoggedIn,
  wallet_rejected: exitCodes.notLoggedIn,
  wallet_wrong_chain: exitCodes.notLoggedIn,
  no_capacity: exitCodes.noCapacity,
  no_ports_left: exitCodes.noCapacity,
  spend_limit_exceeded: exitCodes.money,
  monthly_cap_reached: exitCodes.money,
  quota_exceeded: exitCodes.money,
  insufficient_funds: exitCodes.money,
  rate_limited: exitCodes.unreachable,
  network: exitCodes.unreachable,
  timeout: exitCodes.unreachable,
  protocol: exitCodes.unreachable,
  aborted: exitCodes.interrupted,
  idempotency_conflict: exitCodes.usage,
  quote_mismatch: exitCodes.usage,
  quote_expired: exitCodes.usage,
  extension_limit: exitCodes.usage,
  ssh_keys_final: exitCodes.usage,
  session_key_in_use: exitCodes.usage,
};

/** The exit code for an error code of the API or the client, and for the status of a code that is newer than this. */
export function exitCodeOf(code: string, status: number): ExitCode {
  if (Object.hasOwn(byCode, code)) return byCode[code]!;
  if (status === 401 || status === 403) return exitCodes.notLoggedIn;
  if (status === 402) return exitCodes.money;
  if (status === 404) return exitCodes.notFound;
  if (status === 409) return exitCodes.notRunning;
  if (status === 429 || (status > 500 && status < 600)) return exitCodes.unreachable;
  if (status >= 400 && status < 500) return exitCodes.usage;
  return exitCodes.bug;
}
