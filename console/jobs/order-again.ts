import type { Job } from '../../src/client/shapes.js';

export interface Again {
  /** What stands on the button: `Order again with 32 GB`. */
  label: string;
  /** A path of the console: the order form, filled in. */
  to: string;
}

/** The order form with what this job had, and with more of what was too little. */
export function orderAgain(job: Job): Again {
  const { suggestion } = job;
  const memory = gigabytes(suggestion?.recommended_memory);
  const disk = gigabytes(suggestion?.recommended_storage);
  const changed = [
    ...(memory === undefined ? [] : [`${memory} GB`]),
    ...(disk === undefined ? [] : [`${disk} GB of disk`]),
  ];
  const form = new URLSearchParams({
    ...(job.any_gpu_type || job.gpu_type === undefined ? {} : { gpu: job.gpu_type }),
    count: String(job.gpu_count),
    cpu: String(job.cpu_cores),
    memory: String(memory ?? job.memory_gb),
    disk: String(disk ?? job.storage_gb),
    image: job.image,
    ...hours(job),
  });
  return { label: `Order again${changed.length === 0 ? '' : ` with ${changed.join(' and ')}`}`, to: `/rent?${form}` };
}

/** `32Gi` is 32. */
function gigabytes(text: string | undefined): number | undefined {
  const found = /^(\d{1,6})(?:Gi|GiB|GB|G)?$/.exec(text ?? '');
  return found === null ? undefined : Number(found[1]);
}

/** As long as it was rented for, where that is known: of a job that never ran, only the order knew. */
function hours({ started_at: from, expires_at: to }: Job): { hours?: string } {
  if (from === undefined || to === undefined) return {};
  const rented = (Date.parse(to) - Date.parse(from)) / 3_600_000;
  return rented > 0 ? { hours: String(Math.max(0.02, Math.round(rented * 100) / 100)) } : {};
}
