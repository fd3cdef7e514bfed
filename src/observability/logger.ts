import { types } from 'node:util';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config, Role } from '../config.js';
import { escapeUnprintable } from '../domain/outside.js';

export type { Logger };

/**
 * What must never be printed, wherever it stands in a log object. Messages are written so that these fields are not
 * passed in the first place; this is the second lock.
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
  // The configuration's own names of them.
  'REDIS_PASSWORD',
  'REDIS_TLS_KEY',
  'POSTGRES_PASSWORD',
  'POSTGRES_SSL_KEY',
  'TEMPORAL_TLS_KEY',
  'TEMPORAL_API_KEY',
];

/** The one logger of a process: JSON lines, on standard output unless a destination is given. */
export function createLogger(
  config: Pick<Config, 'LOG_LEVEL'>,
  name: Role | 'broker' | 'stack' = 'broker',
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

/** Lines of nothing but these need no second look. */
const plain = /^[\x20-\x7e]*\n?$/;

/** A line that a terminal only shows: what strangers wrote may be in it. It stays the same JSON. */
function shownLine(line: string): string {
  return plain.test(line) ? line : `${escapeUnprintable(line.trimEnd())}\n`;
}

/**
 * What a line says of an error: its name, message, code and stack, and the same of what caused it. Drivers hang more on
 * theirs, such as the command that failed with all its arguments, or a whole response: that stays out.
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
