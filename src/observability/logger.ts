import { pino, type Logger } from 'pino';
import type { Config, Role } from '../config.js';

export type { Logger };

/**
 * What must never be printed, wherever it stands in a log object. Messages are written so that these fields are not
 * passed in the first place; this is the second lock.
 */
const secretFields = [
  'join_token',
  'join_command',
  'joinCommand',
  'token',
  'secret',
  'password',
  'ssh_password',
  'signature',
  'sig',
  'regsig',
  'private_key',
  'privateKey',
  'authorization',
  'env',
];

/** The one logger of a process: JSON lines on standard output. */
export function createLogger(config: Pick<Config, 'LOG_LEVEL'>, name: Role | 'broker' | 'stack' = 'broker'): Logger {
  return pino({
    name,
    level: config.LOG_LEVEL,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: secretFields
        .flatMap((field) => [field, `*.${field}`, `*.*.${field}`])
        .concat('req.headers["x-session-signature"]'),
      censor: '[redacted]',
    },
    serializers: { err: pino.stdSerializers.err },
  });
}
