import type { JobUse } from './job-use.js';

/** What a job uses, as the API writes it; only the last samples if so many are asked for. */
export function writtenUse(jobId: string, use: JobUse, last?: number) {
  const { at, stepS, limits, program, gpus, gpusLost, samples } = use;
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
    samples: (last === undefined ? samples : samples.slice(-last)).map((sample) => ({
      at: sample.at.toISOString(),
      cpu_cores: sample.cpuCores,
      memory_bytes: sample.memoryBytes,
      gpus: sample.gpus.map((gpu) => ({
        index: gpu.index,
        busy_percent: gpu.busyPercent,
        memory_bytes: gpu.memoryBytes,
        temperature_c: gpu.temperatureC,
        power_w: gpu.powerW,
      })),
    })),
  };
}
