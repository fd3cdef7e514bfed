import { types } from 'node:util';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config, Role } from '../config.js';
import { escapeUnprintable } from '../domain/outside.js';

export type { Logger };

/**
 * Fields that must never be printed, at any depth that redaction covers. Log calls do not pass them in the first place;
 * this is the second line of defence.
 */
const secretFields = [
  'join_token',
  'joinToken',
  'join_command',
  'joinCommand',
  'token',
  'secret',
  'password',
  'ssh_password',
  'sshPassword',
  'signature',
  'sig',
  'regsig',
  'private_key',
  'privateKey',
  'authorization',
  'env',
  'apiKey',
  // The names of secrets in the configuration.
  'REDIS_PASSWORD',
  'REDIS_TLS_KEY',
  'POSTGRES_PASSWORD',
  'POSTGRES_SSL_KEY',
  'TEMPORAL_TLS_KEY',
  'TEMPORAL_API_KEY',
  'RECEIPT_PRIVATE_KEY',
  'BACKEND_PRIVATE_KEY',
  'GUARDIAN_PRIVATE_KEY',
  'GUARDIAN_RPC_URL',
  'operatorKey',
  // Hosted nodes have the customer's key in their address.
  'BLOCKCHAIN_RPC_URL',
  'rpcUrls',
];

/** Creates a process's only logger: JSON lines, on standard output unless a destination is given. */
export function createLogger(
  config: Pick<Config, 'LOG_LEVEL'>,
  name: Role | 'broker' | 'stack' | 'guardian' = 'broker',
  destination: DestinationStream = pino.destination(1),
): Logger {
  const options = {
    name,
    level: config.LOG_LEVEL,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: secretFields
        .flatMap((field) => [field, `*.${field}`, `*.*.${field}`])
        .concat('req.headers["x-session-signature"]'),
      censor: '[redacted]',
    },
    serializers: { err: describeError },
    hooks: { streamWrite: shownLine },
  };
  return pino(options, destination);
}

/** Lines of only these characters need no escaping. */
const plain = /^[\x20-\x7e]*\n?$/;

/**
 * Escapes control characters, since a line may contain strangers' text, which must not control a terminal. The JSON
 * stays the same.
 */
function shownLine(line: string): string {
  return plain.test(line) ? line : `${escapeUnprintable(line.trimEnd())}\n`;
}

/**
 * Reduces an error to its name, message, code, stack and cause. Drivers attach more to their errors, such as the failed
 * command with all its arguments or a whole response; none of that is logged.
 */
export function describeError(error: unknown): unknown {
  if (!types.isNativeError(error)) return error;
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return {
    type: name,
    message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack,
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}
