import type { WorldLandError } from '../client/errors.js';
import { formatAmount } from '../client/money.js';
import { exitCodeOf, exitCodes, Failure, type ExitCode } from './failure.js';
import { amountText } from '../words/money.js';
import { shellWord } from './ssh/shell-word.js';
import { clean } from '../words/clean.js';

export interface Told {
  exitCode: ExitCode;
  /** What is wrong, in one line. */
  line: string;
  /** What to type or to change. */
  remedy?: string | undefined;
  /** What a report to the operator needs. */
  requestId?: string | undefined;
}

export interface Where {
  /** The broker's address, as far as it is known. */
  api: string | undefined;
}

/** An error in words for its person. Texts of the broker are a stranger's. */
export function told(error: unknown, where: Where): Told {
  if (error instanceof Failure) return { exitCode: error.exitCode, line: error.message, remedy: error.remedy };
  if (isClientError(error)) return ofClient(error, where);
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof TypeError) {
    // An answer lacks something: a broker that is not one, or is of another version.
    const line = `an answer of ${where.api ?? 'the broker'} is not as wl expects it: ${clean(message)}`;
    return { exitCode: exitCodes.unreachable, line, remedy: 'wl doctor says more; --verbose says where' };
  }
  return {
    exitCode: exitCodes.bug,
    line: `wl itself failed: ${clean(message)}`,
    remedy: 'with --verbose it says where; please report that',
  };
}

/** By name: bundles may hold the class twice. */
export function isClientError(error: unknown): error is WorldLandError {
  return error instanceof Error && error.name === 'WorldLandError' && 'code' in error;
}

function ofClient(error: WorldLandError, where: Where): Told {
  const { code, status, requestId } = error;
  const exitCode = exitCodeOf(code, status);
  const line = lineOf(error, where);
  return {
    exitCode:
      code === 'not_logged_in'
        ? exitCodes.notLoggedIn
        : exitCode === exitCodes.bug && status === 0
          ? byOwnCode(code)
          : exitCode,
    line,
    remedy: remedyFor(error, where),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** Codes that the client makes without an answer of the broker. */
function byOwnCode(code: string): ExitCode {
  if (code === 'validation_failed') return exitCodes.usage;
  if (code === 'wallet_failed') return exitCodes.notLoggedIn;
  // What `jobs.waitUntil` throws is the reason of a job's end.
  return code === 'internal_error' ? exitCodes.bug : exitCodes.notRunning;
}

function lineOf(error: WorldLandError, where: Where): string {
  const detail = clean(error.detail);
  const { data } = error;
  switch (error.code) {
    case 'network':
      return `${where.api ?? 'the broker'} cannot be reached: ${networkReason(detail)}`;
    case 'timeout':
    case 'protocol':
    case 'not_logged_in':
    case 'wallet_rejected':
    case 'wallet_wrong_chain':
      return detail;
    case 'session_unknown':
      return 'the token or session is unknown to the broker, or has expired';
    case 'session_expired':
      return 'your login has expired';
    case 'session_revoked':
      return 'your login was ended';
    case 'auth_required':
      return 'this needs a login';
    case 'spend_limit_exceeded':
      return spendLine(data, detail);
    case 'monthly_cap_reached':
      return capLine(data, detail);
    case 'validation_failed':
      return fieldsLine(error, detail);
    default:
      return `${detail} (${clean(error.code)})`;
  }
}

function networkReason(detail: string): string {
  if (detail.includes('ECONNREFUSED')) return 'nothing listens there (ECONNREFUSED)';
  if (detail.includes('ENOTFOUND') || detail.includes('EAI_AGAIN')) return 'there is no such host';
  return detail.replace(/^.*cannot be reached: /, '');
}

function spendLine(data: Record<string, unknown>, detail: string): string {
  const { required, remaining } = data;
  if (typeof required !== 'string' || typeof remaining !== 'string') return `${detail} (spend_limit_exceeded)`;
  return `this may cost ${amountText(required, 18)}, and your limit has ${amountText(remaining, 18)} left`;
}

function capLine(data: Record<string, unknown>, detail: string): string {
  const { required, remaining, resets_at: resetsAt } = data;
  const isKnown = typeof required === 'string' && typeof remaining === 'string' && typeof resetsAt === 'string';
  if (!isKnown) return `${detail} (monthly_cap_reached)`;
  const day = clean(resetsAt).slice(0, 10);
  return `this may cost ${amountText(required, 18)}, and your monthly cap leaves ${amountText(remaining, 18)} until ${day} (UTC)`;
}

function fieldsLine({ fields }: WorldLandError, detail: string): string {
  if (fields === undefined || fields.length === 0) return detail;
  return fields.map(({ field, message }) => clean(`${field}: ${message}`)).join('; ');
}

function remedyFor(error: WorldLandError, where: Where): string | undefined {
  switch (error.code) {
    case 'network':
    case 'timeout':
      return 'wl doctor says more; another broker: --api URL';
    case 'protocol':
      return error.data['field'] === 'audience'
        ? `wl login --api ${shellWord(clean(String(error.data['proposed'])))}   (or --audience, if you trust it)`
        : error.status > 0
          ? `is ${where.api ?? 'this'} a broker? wl config set api URL`
          : undefined;
    case 'not_logged_in':
    case 'auth_required':
    case 'session_unknown':
    case 'session_expired':
    case 'session_revoked':
      return 'wl login';
    case 'scope_denied':
      return 'log in again with what it needs: wl login --scopes …, or --admin for operators';
    case 'spend_limit_exceeded':
      return 'log in again with a higher limit: wl login --spend-limit N';
    case 'monthly_cap_reached':
      return 'wait until the month turns, or let your wallet raise it: wl cap N';
    case 'insufficient_funds':
      return fundsRemedy(error.data);
    case 'exit_pending':
      return 'wl exit shows when it can be taken out; wl exit --cancel calls it off';
    case 'withdrawal_pending':
      return 'wl balance shows what is on its way; wl withdraw goes on with it';
    case 'rate_limited':
      return error.retryAfterS === undefined ? undefined : `again in ${error.retryAfterS} s`;
    case 'job_not_found':
      return 'wl ls -a shows your jobs';
    default:
      return undefined;
  }
}

/** On a site with a chain: what to deposit. Which of the two is missing, the broker's own words say. */
function fundsRemedy({ missing, deposit }: Record<string, unknown>): string | undefined {
  if (typeof missing !== 'string' || !/^\d{1,60}$/.test(missing) || deposit === undefined) return undefined;
  const amount = formatAmount(missing, { decimals: 18 });
  return `deposit it: wl deposit ${amount}   or, if it is the cap that is too low, raise it: wl deposit --cap N`;
}
