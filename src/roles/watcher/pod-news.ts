import type { PodObservation } from '../../../workflows/job-messages.js';

/**
 * How long a pod has to be stuck before its workflow is told. The scheduler reports that nothing fits before it has
 * heard of a new node, and places the pod a moment later: telling both costs a job's history a dozen events.
 */
const stuckForMs = 2_000;

/**
 * Decides which observations of a job's pod are worth a signal to its workflow, and reports each once. Its memory ends
 * with the process: a watcher that starts again compares the whole cluster with the database.
 */
export class PodNews {
  /** What each job's workflow was last told. */
  readonly #told = new Map<string, string>();
  /** The latest observation of each job's pod that has been stuck for less than `stuckForMs`. */
  readonly #held = new Map<string, { observation: PodObservation; timer: NodeJS.Timeout }>();

  constructor(private readonly tell: (jobId: string, observation: PodObservation) => void) {}

  /** Records that the workflow knows already that this pod runs. */
  knowsRunning(jobId: string, uid: string): void {
    this.#letGo(jobId);
    this.#told.set(jobId, summary({ phase: 'running', uid }));
  }

  see(jobId: string, observation: PodObservation): void {
    const held = this.#held.get(jobId);
    if (observation.stuck === undefined) {
      this.#letGo(jobId);
      this.#tellOnce(jobId, observation);
    } else if (held !== undefined) {
      held.observation = observation;
    } else {
      this.#held.set(jobId, { observation, timer: setTimeout(() => this.#release(jobId), stuckForMs) });
    }
  }

  stop(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  #letGo(jobId: string): void {
    clearTimeout(this.#held.get(jobId)?.timer);
    this.#held.delete(jobId);
  }

  #release(jobId: string): void {
    const { observation } = this.#held.get(jobId)!;
    this.#held.delete(jobId);
    this.#tellOnce(jobId, observation);
  }

  #tellOnce(jobId: string, observation: PodObservation): void {
    if (this.#told.get(jobId) === summary(observation)) return;
    // A starting pod is no news unless it was stuck before.
    const isNews = observation.phase !== 'pending' || observation.stuck !== undefined || this.#told.has(jobId);
    if (observation.phase === 'gone') this.#told.delete(jobId);
    else this.#told.set(jobId, summary(observation));
    if (isNews) this.tell(jobId, observation);
  }
}

function summary({ uid, phase, stuck }: Pick<PodObservation, 'uid' | 'phase' | 'stuck'>): string {
  return `${uid} ${phase} ${stuck?.reason ?? ''}`;
}
