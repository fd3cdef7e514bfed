import type { RunLog } from './bills.js';
import type { Finding } from './invariant-names.js';

/** How much happened in a run. */
export function happenedIn({ stories, hits, sampler }: RunLog) {
  const extensions = stories.map((story) => story.extensions);
  return {
    jobs: stories.length,
    ran: stories.filter(({ ran }) => ran).length,
    quoted: stories.filter(({ promised, ran }) => promised !== undefined && ran).length,
    extended: extensions.filter(({ moved }) => moved.size > 0).length,
    extensions: extensions.reduce((sum, { moved }) => sum + moved.size, 0),
    repeated: extensions.reduce((sum, { repeats }) => sum + repeats, 0),
    conflicts: extensions.reduce((sum, { conflicts }) => sum + conflicts, 0),
    hit: hits.filter(({ sure }) => sure).length,
    endedByHit: hits.filter(({ jobId, end }) => end !== undefined && end.status === statusOf(jobId)).length,
    cancelled: stories.filter(({ status }) => status === 'cancelled').length,
    expired: stories.filter(({ status }) => status === 'expired').length,
    samples: sampler.samples(),
  };

  function statusOf(jobId: string): string | undefined {
    return stories.find((story) => story.jobId === jobId)?.status;
  }
}

/** A broker that refuses everything loses nothing, and still must not pass. */
export function enoughHappened(log: RunLog, wanted: { jobs: number; hostile: number }): Finding {
  const happened = happenedIn(log);
  const floors: Partial<Record<keyof typeof happened, number>> = {
    jobs: wanted.jobs,
    ran: Math.ceil(wanted.jobs / 2),
    quoted: Math.ceil(wanted.jobs / 8),
    extended: Math.ceil(wanted.jobs / 10),
    extensions: Math.ceil(wanted.jobs / 4),
    repeated: Math.ceil(wanted.jobs / 10),
    conflicts: Math.ceil(wanted.jobs / 10),
    hit: wanted.hostile,
    // A customer's cancellation may come first, the more so on a slow machine.
    endedByHit: Math.floor(wanted.hostile / 3),
    cancelled: Math.ceil(wanted.jobs / 12),
    expired: Math.ceil(wanted.jobs / 24),
    samples: 10,
  };
  return {
    invariant: 'enough',
    violations: Object.entries(floors).flatMap(([what, least]) => {
      const count = happened[what as keyof typeof happened];
      return count < least ? [`${what}: ${count}, and at least ${least} were to be`] : [];
    }),
    isLasting: true,
  };
}
