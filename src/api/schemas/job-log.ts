import { z } from 'zod';
import { lineIdPattern } from '../../domain/job-log.js';
import { jobStatuses } from '../../wire/statuses.js';
import { queryNumber } from './page.js';

/** What one request reads at most. */
export const maxLogLines = 5_000;
const usualLines = 500;

const logLine = z
  .object({
    id: z.string().describe('Its place, to go on from'),
    at: z.string().describe("RFC 3339 with nanoseconds, UTC, by the machine's clock"),
    line: z.string().describe('As it was written, escapes of terminals included; bytes that are no UTF-8 are U+FFFD'),
    cut: z.literal(true).optional().describe('It was longer than 16 KiB'),
  })
  .meta({ id: 'JobLogLine' });

export const jobLogReply = z
  .object({
    job_id: z.uuid(),
    status: z.enum(jobStatuses),
    source: z
      .enum(['machine', 'kept', 'none'])
      .describe('Read from the machine, kept since the end of the job, or not there'),
    lines: z.array(logLine).describe('The oldest first'),
    truncated: z.boolean().describe('Earlier lines were left out because there was too much'),
    note: z.string().optional().describe('Why there is no log'),
  })
  .meta({ id: 'JobLog' });

export type JobLogReply = z.infer<typeof jobLogReply>;

export const jobLogQuery = z.object({
  tail: queryNumber(z.number().int().min(1).max(maxLogLines))
    .optional()
    .describe(`The last lines only; ${usualLines} unless given, or ${maxLogLines} with \`since\``),
  since: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional()
    .describe('What was written at this time or later'),
  follow: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('A stream, the same as with `Accept: text/event-stream`'),
});

export type JobLogQuery = z.output<typeof jobLogQuery>;

/** @returns how many lines a query asks for. */
export function linesOf({ tail, since }: JobLogQuery): number {
  return tail ?? (since === undefined ? usualLines : maxLogLines);
}

export const jobLogHeaders = z.object({
  'last-event-id': z
    .string()
    .regex(new RegExp(`^$|${lineIdPattern.source}`), 'must be the id of a line of this log')
    .optional()
    .describe('Resumes a stream after this line, as browsers do by themselves; stronger than `since` and `tail`'),
});
