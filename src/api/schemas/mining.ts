import { z } from 'zod';
import type { MiningFigures, MiningTotals } from '../../db/mining.js';
import { minersName } from '../../domain/mining.js';

/** Mining of one provider. Existing controllers read the first fields. */
export const miningReply = z.object({
  provider_id: z.string(),
  mining_status: z.enum(['running', 'pending', 'failed', 'stopped']),
  mining_pod_name: z.string().describe('The name of the Deployment that its pods belong to'),
  resources: z.object({
    gpu_count: z.int().describe('GPUs that mine now'),
    cpu_cores: z.number().describe('For all its miners together, as configured'),
    memory_mb: z.int(),
  }),
  mining_gpu_count: z.int(),
  available_gpu_count: z.int().describe('Not rented; a GPU that mines can be rented at any moment'),
  enabled: z.boolean().describe('Whether its owner last enabled mining'),
  miners: z.object({
    wanted: z.int(),
    running: z.int(),
    waiting: z.int().describe('Waiting for a GPU that is not rented'),
    failing: z.int().describe('Crashing, or unable to pull the image; retried at growing intervals'),
  }),
  reason: z.string().optional().describe('Why no miner is wanted'),
});

type MiningReply = z.infer<typeof miningReply>;

export const miningChangeReply = z.object({
  success: z.literal(true),
  message: z.string(),
  mining_status: miningReply,
});

export const miningMetricsReply = z.object({
  total_mining_providers: z.int(),
  running_mining_pods: z.int(),
  waiting_mining_pods: z.int(),
  failing_mining_pods: z.int(),
  total_mining_gpus: z.int(),
  total_available_gpus: z.int().describe('Not rented, whether mining or not'),
  total_providers: z.int(),
});

/** Field by field: a configuration's environment, arguments and wallet must not be published. */
export function miningReplyOf(figures: MiningFigures): MiningReply {
  const { providerId, config, running, waiting, failing, totalGpus, rentedGpus, reason } = figures;
  return {
    provider_id: providerId,
    mining_status: statusOf(figures),
    mining_pod_name: minersName(providerId),
    resources: { gpu_count: running, cpu_cores: config?.cpuCores ?? 0, memory_mb: config?.memoryMb ?? 0 },
    mining_gpu_count: running,
    available_gpu_count: totalGpus - rentedGpus,
    enabled: figures.enabled,
    miners: { wanted: figures.miners, running, waiting, failing },
    ...(reason === '' ? {} : { reason }),
  };
}

/** One of the four words that controllers know. Without miners it has stopped, whatever the reason. */
function statusOf({ miners, running, failing }: MiningFigures): MiningReply['mining_status'] {
  if (running > 0) return 'running';
  if (failing > 0) return 'failed';
  return miners > 0 ? 'pending' : 'stopped';
}

export function miningMetricsOf(totals: MiningTotals): z.infer<typeof miningMetricsReply> {
  return {
    total_mining_providers: totals.miningProviders,
    running_mining_pods: totals.runningMiners,
    waiting_mining_pods: totals.waitingMiners,
    failing_mining_pods: totals.failingMiners,
    // Each miner has one GPU.
    total_mining_gpus: totals.runningMiners,
    total_available_gpus: totals.availableGpus,
    total_providers: totals.providers,
  };
}
