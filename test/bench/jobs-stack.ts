import type { Session } from '../../src/client/session.js';
import type { startStack } from '../../engines/stack.js';
import { order, withBenchStack, type BenchStack } from './bench-stack.js';

/** A stack with room for 400 jobs of one GPU, and a customer who may rent them all. */
export interface JobsStack {
  bench: BenchStack;
  session: Session;
}

/** Runs `run` with such a stack, which `start` starts: this version’s `startStack`, or another’s. */
export function withJobsStack<T>(
  log: (line: string) => void,
  start: typeof startStack,
  run: (jobs: JobsStack) => Promise<T>,
): Promise<T> {
  return withBenchStack(
    log,
    async (bench) => {
      const machines = Array.from({ length: 5 }, (_, index) =>
        bench.provider({ providerId: `bench-${index}`, gpus: { model: 'NVIDIA GeForce RTX 4090', count: 80 } }),
      );
      await Promise.all(machines.map(({ joined }) => joined));
      return run({ bench, session: await bench.customer() });
    },
    { start },
  );
}

/** Rents one GPU; ends when SSH answers. */
export async function rent(session: Session): Promise<{ ms: number; id: string }> {
  const started = performance.now();
  const { status, body } = await session.request('POST', '/api/v1/jobs', order, { prefer: 'wait=60' });
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  return { ms: performance.now() - started, id: (body as { job_id: string }).job_id };
}
