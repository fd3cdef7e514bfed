import { printable } from './outside.js';
import { providerIdPattern } from './provider.js';
import { providerStatuses } from '../wire/statuses.js';

/** The figures in a heartbeat, stored unchanged as jsonb. */
export interface Telemetry {
  status: string;
  node_name: string;
  /** Percent, one per GPU. */
  gpu_usage: number[];
  cpu_usage: number;
  memory_usage: number;
  active_jobs: number;
}

export interface HeartbeatMessage {
  providerId: string;
  telemetry: Telemetry;
}

const maxGpus = 1_024;
const maxNodeName = 253;
/** Nearly every node name matches this and needs no cleaning, which would take longer than everything else. */
const plain = /^[a-z0-9.-]*$/;
const statuses = new Set<unknown>(providerStatuses);

/**
 * Parses the `data` of a `provider:heartbeat` entry. It is written by hand because tens of thousands of heartbeats
 * arrive per second and a schema library would cost ten times the parse. Unknown fields are ignored; missing or `null`
 * ones become 0, '' or an empty list; any other value must have the right type and be finite. `timestamp` is ignored
 * because a provider's clock decides nothing.
 *
 * @returns the heartbeat, or a string that describes the problem.
 */
export function readHeartbeat(data: string): HeartbeatMessage | string {
  let message: unknown;
  try {
    message = JSON.parse(data);
  } catch {
    return 'data is not JSON';
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return 'data is not a JSON object';
  const beat = message as Record<string, unknown>;
  const providerId = beat['provider_id'];
  if (typeof providerId !== 'string' || !providerIdPattern.test(providerId)) return 'provider_id is not acceptable';
  const nodeName = beat['node_name'] ?? '';
  if (typeof nodeName !== 'string' || nodeName.length > maxNodeName) return 'node_name is not acceptable';
  const status = beat['status'] ?? '';
  if (status !== '' && !statuses.has(status)) return 'status is not one that is known';
  const gpuUsage = beat['gpu_usage'] ?? [];
  if (!Array.isArray(gpuUsage) || gpuUsage.length > maxGpus || !gpuUsage.every(isAmount))
    return 'gpu_usage is not a list of numbers';
  const cpuUsage = beat['cpu_usage'] ?? 0;
  if (!isAmount(cpuUsage)) return 'cpu_usage is not a number';
  const memoryUsage = beat['memory_usage'] ?? 0;
  if (!isAmount(memoryUsage)) return 'memory_usage is not a number';
  const activeJobs = beat['active_jobs'] ?? 0;
  if (!isAmount(activeJobs)) return 'active_jobs is not a number';
  return {
    providerId,
    telemetry: {
      status: status as string,
      node_name: plain.test(nodeName) ? nodeName : (printable(nodeName) ?? ''),
      gpu_usage: gpuUsage,
      cpu_usage: cpuUsage,
      memory_usage: memoryUsage,
      active_jobs: activeJobs,
    },
  };
}

/** JSON has no NaN, but 1e999 parses as infinity. Larger figures are nonsense and would not fit a column. */
function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1e9;
}
