import type { AskUse } from '../../src/domain/job-use.js';

/** Answers for the machine of any job. */
export const anyMachine: AskUse = async () => ({
  kind: 'use',
  use: {
    ...{ at: new Date(), stepS: 30, limits: { cpuCores: 2, memoryBytes: 2 ** 30 } },
    gpus: [{ index: 0, name: 'RTX 4090', memoryBytes: 24 * 2 ** 30 }],
    samples: [{ at: new Date(), cpuCores: 0.5, memoryBytes: 2 ** 20, gpus: [{ index: 0, busyPercent: 97 }] }],
  },
});
