import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { createEventBell } from '../../db/event-bell.js';
import { tellStep } from '../../db/job-events.js';
import { news } from '../../domain/job-event.js';
import type { StartStep } from '../../domain/job-phase.js';
import type { PodStart, PodStep } from '../../kubernetes/observe-event.js';

interface Known {
  jobId: string;
  node: string | undefined;
  told: Set<StartStep>;
  writing: Promise<void>;
}

/**
 * Writes the steps of starting pods for their customers, each once and in order. Nothing depends on them: one that
 * cannot be written is left out. A machine speaks for the pods that it has, and for no other.
 */
export class JobSteps {
  readonly #pods = new Map<string, Known>();
  readonly #bell;

  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {
    this.#bell = createEventBell(pool);
  }

  /** A pod that is not ready yet. */
  seeStarting(jobId: string, { uid, node, isStarted }: PodStart): void {
    const known = this.#pods.get(uid) ?? { jobId, node, told: new Set(), writing: Promise.resolve() };
    known.node = node ?? known.node;
    this.#pods.set(uid, known);
    this.#tell(known, 'pod_created');
    if (isStarted) this.#tell(known, 'container_started');
  }

  /** A pod that is ready, over or gone has no more steps. */
  forget(uid: string): void {
    this.#pods.delete(uid);
  }

  /** After a gap: pods that are not there any more. */
  forgetAllBut(uids: ReadonlySet<string>): void {
    for (const uid of this.#pods.keys()) if (!uids.has(uid)) this.#pods.delete(uid);
  }

  /** What a machine reports of a pod. */
  hear({ podUid, node, step, seconds }: PodStep): void {
    const known = this.#pods.get(podUid);
    if (known !== undefined && known.node === node) this.#tell(known, step, seconds);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#pods.values()].map(({ writing }) => writing));
  }

  #tell(known: Known, step: StartStep, seconds?: number): void {
    if (known.told.has(step)) return;
    known.told.add(step);
    const { jobId } = known;
    known.writing = known.writing.then(async () => {
      try {
        const told = { ...news(step, textOf(step, seconds), { seconds }), kind: step };
        this.#bell.ring(await tellStep(this.pool, jobId, told));
      } catch (error) {
        this.logger.debug({ err: error, jobId, step }, 'a step of a start is not told');
      }
    });
  }
}

function textOf(step: StartStep, seconds: number | undefined): string {
  switch (step) {
    case 'placed':
      return 'placed';
    case 'pod_created':
      return 'the pod was created';
    case 'image_pulling':
      return 'the machine pulls the image';
    case 'image_pulled':
      if (seconds === 0) return 'the machine has the image already';
      return seconds === undefined ? 'the image was pulled' : `the image was pulled in ${seconds} s`;
    case 'container_started':
      return 'the container has started; waiting for SSH';
  }
}
