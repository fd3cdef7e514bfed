import { z } from 'zod';
import { printable } from './outside.js';

/** What becomes of a job's main program: it waits for its machine, runs, is about to run again, or has ended for good. */
export const liveProgramStates = ['waiting', 'running', 'restarting', 'exited'] as const;
export type LiveProgramState = (typeof liveProgramStates)[number];

/** What the main program of a job is doing. */
export interface LiveProgram {
  state: LiveProgramState;
  /** Of its last run that has ended. */
  exitCode?: number;
  /** How often it was started again. */
  restarts: number;
  /** Since when it is in this state. */
  since: Date;
  /** When it is started again. */
  startsAt?: Date;
}

/** A GPU as the job sees it. */
export interface SeenGpu {
  index: number;
  name?: string;
  memoryBytes?: number;
}

/** What a GPU was doing. What its driver does not say is absent. */
export interface GpuUse {
  index: number;
  busyPercent?: number;
  memoryBytes?: number;
  temperatureC?: number;
  powerW?: number;
}

/** What a job used at a time. */
export interface UseSample {
  at: Date;
  /** On average since the sample before. */
  cpuCores?: number;
  /** Without what is only a copy of files. */
  memoryBytes?: number;
  gpus: GpuUse[];
}

/** What a machine said about a job, in the broker's time. */
export interface JobUse {
  /** When it was asked. */
  at: Date;
  stepS: number;
  limits: { cpuCores?: number; memoryBytes?: number };
  program?: LiveProgram;
  gpus: SeenGpu[];
  /** Set while the job sees fewer GPUs than it had. */
  gpusLost?: { had: number; has: number; since: Date };
  /** The oldest first. */
  samples: UseSample[];
}

/** Whom to ask: the SSH server of a job, with the key that it must have. */
export interface AskedMachine {
  jobId: string;
  host: string;
  port: number;
  /** `ssh-ed25519 AAAA…` */
  hostKey: string;
}

/**
 * What a machine answered. `silent`: nothing in time, or it showed another host key; `refused`: its server does not know the
 * question, or the key; `unreadable`: something else.
 */
export type UseAnswer = { kind: 'use'; use: JobUse } | { kind: 'silent' | 'refused' | 'unreadable' };

/** Asks the machine of a job what the job uses. It never fails, and takes some seconds at most. */
export type AskUse = (machine: AskedMachine) => Promise<UseAnswer>;

/** How much a machine may answer, in bytes: an hour of the most GPUs that one has. */
export const maxUseBytes = 512 * 1024;

const maxSamples = 240;
const maxGpus = 32;
/** Rented time, at most. */
const ageS = z
  .number()
  .min(0)
  .max(400 * 86_400);
const cores = z.number().min(0).max(65_536);
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const index = z.int().min(0).max(1_023);
/** Nobody writes names for us but the driver, and whoever stands in for it. */
const name = z
  .string()
  .max(200)
  .transform((text) => printable(text)?.slice(0, 80))
  .optional();

const answer = z.object({
  version: z.literal(1),
  step_s: z.number().min(1).max(3_600),
  limits: z.object({ cpu_cores: cores.optional(), memory_bytes: bytes.optional() }).optional(),
  program: z
    .object({
      state: z.enum(liveProgramStates),
      exit_code: z.int().min(0).max(255).optional(),
      restarts: z.int().min(0).max(1_000_000_000),
      since_s: ageS,
      starts_in_s: ageS.optional(),
    })
    .optional(),
  gpus: z.array(z.object({ index, name, memory_bytes: bytes.optional() })).max(maxGpus),
  gpus_lost: z.object({ had: z.int().min(1).max(maxGpus), has: z.int().min(0).max(maxGpus), since_s: ageS }).optional(),
  samples: z
    .array(
      z.object({
        age_s: ageS,
        cpu_cores: cores.optional(),
        memory_bytes: bytes.optional(),
        gpus: z
          .array(
            z.object({
              index,
              busy_percent: z.number().min(0).max(100).optional(),
              memory_bytes: bytes.optional(),
              temperature_c: z.number().min(-273).max(1_000).optional(),
              power_w: z.number().min(0).max(100_000).optional(),
            }),
          )
          .max(maxGpus)
          .optional(),
      }),
    )
    .max(maxSamples),
});

/**
 * Reads what a job's SSH server says about it. Whoever is root there decides what it says, so nothing but numbers and
 * names within bounds gets through; its times are ages, because its clock may be wrong.
 *
 * @returns undefined if it is not such an answer.
 */
export function readUse(text: string, now: Date): JobUse | undefined {
  const read = answer.safeParse(parsed(text));
  if (!read.success) return undefined;
  const { step_s, limits, program, gpus, gpus_lost, samples } = read.data;
  const before = (seconds: number) => new Date(now.getTime() - Math.round(seconds * 1_000));
  return {
    at: now,
    stepS: step_s,
    limits: { ...given('cpuCores', limits?.cpu_cores), ...given('memoryBytes', limits?.memory_bytes) },
    ...(program === undefined ? {} : { program: programOf(program, before) }),
    gpus: gpus.map((gpu) => ({
      index: gpu.index,
      ...given('name', gpu.name),
      ...given('memoryBytes', gpu.memory_bytes),
    })),
    ...(gpus_lost === undefined
      ? {}
      : { gpusLost: { had: gpus_lost.had, has: gpus_lost.has, since: before(gpus_lost.since_s) } }),
    samples: samples
      .map((sample) => ({
        at: before(sample.age_s),
        ...given('cpuCores', sample.cpu_cores),
        ...given('memoryBytes', sample.memory_bytes),
        gpus: (sample.gpus ?? []).map((gpu) => ({
          index: gpu.index,
          ...given('busyPercent', gpu.busy_percent),
          ...given('memoryBytes', gpu.memory_bytes),
          ...given('temperatureC', gpu.temperature_c),
          ...given('powerW', gpu.power_w),
        })),
      }))
      .sort((one, other) => one.at.getTime() - other.at.getTime()),
  };
}

function programOf(
  { state, exit_code, restarts, since_s, starts_in_s }: NonNullable<z.infer<typeof answer>['program']>,
  before: (seconds: number) => Date,
): LiveProgram {
  return {
    ...{ state, restarts, since: before(since_s) },
    ...given('exitCode', exit_code),
    ...(state === 'restarting' && starts_in_s !== undefined ? { startsAt: before(-starts_in_s) } : {}),
  };
}

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
