import { z } from 'zod';
import { liveProgramStates, type JobUse } from '../../domain/job-use.js';
import { queryNumber } from './page.js';

const bytes = z.number().int().min(0);

/** What a job uses, as its machine says it: figures for its customer, and nobody's proof. */
export const jobUseReply = z
  .object({
    job_id: z.uuid(),
    at: z.iso.datetime().describe('When the machine was asked'),
    step_s: z.number().describe('Seconds between samples'),
    limits: z
      .object({ cpu_cores: z.number().optional(), memory_bytes: bytes.optional() })
      .describe('What the job may use at most'),
    program: z
      .object({
        state: z
          .enum(liveProgramStates)
          .describe('`waiting` for the machine, `running`, `restarting` after a pause, or `exited` for good'),
        exit_code: z.int().optional().describe('Of its last run that has ended; 128 and more: by a signal'),
        restarts: z.int().describe('How often it was started again'),
        since: z.iso.datetime().describe('Since when it is in this state'),
        starts_at: z.iso.datetime().optional().describe('When it is started again'),
      })
      .optional()
      .describe('The main program; absent if the job has none'),
    gpus: z
      .array(z.object({ index: z.int(), name: z.string().optional(), memory_bytes: bytes.optional() }))
      .describe('The GPUs that `nvidia-smi` lists in the job'),
    gpus_lost: z
      .object({ had: z.int(), has: z.int(), since: z.iso.datetime() })
      .optional()
      .describe('The job sees fewer GPUs than it had'),
    samples: z
      .array(
        z.object({
          at: z.iso.datetime(),
          cpu_cores: z.number().optional().describe('Cores in use, on average since the sample before'),
          memory_bytes: bytes.optional().describe('Without copies of files, which make room when memory is needed'),
          gpus: z.array(
            z.object({
              index: z.int(),
              busy_percent: z.number().optional(),
              memory_bytes: bytes.optional(),
              temperature_c: z.number().optional(),
              power_w: z.number().optional(),
            }),
          ),
        }),
      )
      .describe('Of the last hour, the oldest first; the last is of now'),
  })
  .meta({ id: 'JobUse' });

export type JobUseReply = z.infer<typeof jobUseReply>;

export const jobUseQuery = z.object({
  last: queryNumber(z.number().int().min(1).max(240)).optional().describe('The last samples only'),
});

export type JobUseQuery = z.output<typeof jobUseQuery>;

export function jobUseReplyOf(jobId: string, use: JobUse, { last }: JobUseQuery): JobUseReply {
  const { at, stepS, limits, program, gpus, gpusLost, samples } = use;
  const shown = last === undefined ? samples : samples.slice(-last);
  return {
    job_id: jobId,
    at: at.toISOString(),
    step_s: stepS,
    limits: { cpu_cores: limits.cpuCores, memory_bytes: limits.memoryBytes },
    ...(program === undefined
      ? {}
      : {
          program: {
            state: program.state,
            exit_code: program.exitCode,
            restarts: program.restarts,
            since: program.since.toISOString(),
            starts_at: program.startsAt?.toISOString(),
          },
        }),
    gpus: gpus.map(({ index, name, memoryBytes }) => ({ index, name, memory_bytes: memoryBytes })),
    ...(gpusLost === undefined
      ? {}
      : { gpus_lost: { had: gpusLost.had, has: gpusLost.has, since: gpusLost.since.toISOString() } }),
    samples: shown.map(({ at: sampledAt, cpuCores, memoryBytes, gpus: used }) => ({
      at: sampledAt.toISOString(),
      cpu_cores: cpuCores,
      memory_bytes: memoryBytes,
      gpus: used.map((gpu) => ({
        index: gpu.index,
        busy_percent: gpu.busyPercent,
        memory_bytes: gpu.memoryBytes,
        temperature_c: gpu.temperatureC,
        power_w: gpu.powerW,
      })),
    })),
  };
}
