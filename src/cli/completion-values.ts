import type { Context } from './context.js';
import { settings } from './files/config.js';
import { activeJobs } from './job-words.js';
import { jobLabel } from '../words/job-label.js';
import { jobState } from '../words/states.js';
import { clean } from '../words/clean.js';
import { gpusText } from '../words/gpu-text.js';

/** What stands at a place of the command line. */
export type ValueKind = 'job' | 'job-path' | 'gpu' | 'provider' | 'own-provider' | 'key' | 'setting' | 'shell';

/** Those that have a completion. */
export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;

type Value = readonly [value: string, text: string];

/** Whoever presses Tab does not wait for longer. */
const answerMs = 1_500;

/** The values of each kind, as far as the broker tells them in time; nothing is said about failures. */
export async function valuesFor(context: Context, kinds: readonly ValueKind[]): Promise<Map<ValueKind, Value[]>> {
  const found = new Map<ValueKind, Value[]>();
  const clock = new Promise<Value[]>((resolve) => setTimeout(() => resolve([]), answerMs).unref());
  await Promise.all(
    kinds.map(async (kind) => {
      const values = await Promise.race([read(context, kind).catch(() => []), clock]);
      // A stranger's name must not be read as two words, or as a flag.
      found.set(
        kind,
        values
          .map(([value, text]): Value => [clean(value), clean(text)])
          .filter(([value]) => /^[\w.][\w.:@/-]*$/.test(value)),
      );
    }),
  );
  return found;
}

async function read(context: Context, kind: ValueKind): Promise<Value[]> {
  if (kind === 'setting') return Object.entries(settings).map(([name, { text }]) => [name, text]);
  if (kind === 'shell') return shells.map((shell) => [shell, '']);
  const client = await context.client();
  switch (kind) {
    case 'job':
    case 'job-path': {
      const jobs = await activeJobs(client);
      const end = kind === 'job' ? '' : ':';
      return jobs.map((job) => [
        `${jobLabel(job, jobs)}${end}`,
        `${gpusText(job.gpu_count, job.gpu_model, job.gpu_type)}, ${jobState(job.status).word}`,
      ]);
    }
    case 'gpu': {
      const { gpu_types: types } = await client.market.now();
      return types.map((gpu) => [gpu.aliases[0] ?? gpu.gpu_type, `${gpu.name}, ${gpu.free} of ${gpu.total} free`]);
    }
    case 'own-provider':
      return (await client.providers.mine()).map(({ provider_id, status }) => [provider_id, status]);
    case 'provider':
      return (await client.providers.list({ limit: 100 }).all(100)).map(({ provider_id, status }) => [
        provider_id,
        status,
      ]);
    case 'key':
      return (await client.sshKeys.list()).map(({ name, fingerprint }) => [name, fingerprint]);
  }
}
