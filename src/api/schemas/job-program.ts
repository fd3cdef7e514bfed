import { z } from 'zod';
import type { JobRow } from '../../db/jobs.js';
import { isFinal } from '../../domain/job.js';
import { programRestarts } from '../../domain/job-program.js';

/** The main program of a job. What it runs is left out, because arguments may be secret. */
export const jobProgram = z
  .object({
    restart: z.enum(programRestarts),
    end_with_command: z.boolean(),
    state: z
      .enum(['waiting', 'started', 'running', 'exited', 'stopped'])
      .describe(
        '`waiting` for the machine; `started` on a machine that stays when it ends; `running`, or about to be restarted, ' +
          'on one that ends with it; `exited` by itself, and the job with it; `stopped` with the machine',
      ),
    exit_code: z.int().optional().describe('How it ended, where the job ended with it; 128 and more: by a signal'),
    started_at: z.iso.datetime().optional(),
    ended_at: z.iso.datetime().optional(),
  })
  .meta({ id: 'JobProgram' });

export function programReplyOf(job: JobRow): z.infer<typeof jobProgram> | undefined {
  const { program, startedAt, endedAt, status } = job;
  if (program === undefined) return undefined;
  const { restart, endsJob, exitCode } = program;
  const isOver = isFinal(status);
  return {
    restart,
    end_with_command: endsJob,
    state: stateOf(job),
    ...(exitCode === undefined ? {} : { exit_code: exitCode }),
    ...(startedAt === undefined ? {} : { started_at: startedAt.toISOString() }),
    ...(isOver && startedAt !== undefined && endedAt !== undefined ? { ended_at: endedAt.toISOString() } : {}),
  };
}

function stateOf({ program, startedAt, status }: JobRow): z.infer<typeof jobProgram>['state'] {
  if (program!.exitCode !== undefined) return 'exited';
  if (isFinal(status)) return 'stopped';
  if (startedAt === undefined) return 'waiting';
  return program!.endsJob ? 'running' : 'started';
}
