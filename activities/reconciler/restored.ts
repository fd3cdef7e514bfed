import type { Logger } from 'pino';
import { installationId } from '../../src/db/installation.js';
import {
  advanceMark,
  beginRestore,
  openRestore,
  readMark,
  serverTimeline,
  type OpenRestore,
  type RestoreCause,
} from '../../src/db/restores.js';
import { readSeen, writeSeen } from '../../src/kubernetes/database-mark.js';
import { labels } from '../../src/kubernetes/names.js';
import { jobObjectsOf } from '../../src/kubernetes/ownership.js';
import { restoreOpen } from '../../src/observability/metrics.js';
import type { ActivityDeps } from '../deps.js';

/** Finds out whether the database was restored from a backup. */
export interface RestoreWatch {
  /**
   * Looks now. Every comparison that may remove something asks first: if the cluster or the database does not answer, it
   * fails and removes nothing.
   *
   * @returns the restore that no operator has looked at yet.
   */
  look(): Promise<OpenRestore | undefined>;
  /**
   * Looks once more, just before something is removed that was chosen by an earlier look: another server may have taken
   * over meanwhile, and know less.
   *
   * @returns whether nothing may be removed by what was read before.
   */
  isOpenedSince(earlier: OpenRestore | undefined): Promise<boolean>;
  /** Counts a run, here and in the cluster. */
  mark(): Promise<void>;
  /** Whether a job has a pod in the cluster, wherever. */
  hasPod(jobId: string): Promise<boolean>;
}

const says: Record<RestoreCause, string> = {
  older: 'the cluster has seen a later state of this database',
  timeline: "the server's log has another timeline",
};

export function createRestoreWatch({
  pool,
  kubernetes,
  logger,
}: Pick<ActivityDeps, 'pool' | 'kubernetes' | 'logger'>): RestoreWatch {
  let isToldOfManifests = false;
  const watch: RestoreWatch = {
    async look() {
      const installation = await installationId(pool);
      // The cluster first: a mark is written here before it is written there.
      const seen = await readSeen(kubernetes, installation);
      const [known, timeline] = [await readMark(pool), await serverTimeline(pool)];
      const isOther = timeline !== undefined && known.timeline !== undefined && timeline !== known.timeline;
      const why = seen.mark > known.mark ? 'older' : isOther ? 'timeline' : undefined;
      if (why !== undefined) {
        await beginRestore(pool, { why, mark: seen.mark, timeline, leftNodes: seen.leftNodes });
        tell(logger, await openRestore(pool), 'the database was restored');
      }
      const open = await openRestore(pool);
      restoreOpen.set(open === undefined ? 0 : 1);
      return open;
    },

    async isOpenedSince(earlier) {
      const open = await watch.look();
      return open !== undefined && (earlier?.id !== open.id || earlier.foundAt.getTime() !== open.foundAt.getTime());
    },

    async mark() {
      const mark = await advanceMark(pool, await serverTimeline(pool));
      if ((await writeSeen(kubernetes, await installationId(pool), mark)) || isToldOfManifests) return;
      isToldOfManifests = true;
      logger.warn('a restored database will not be noticed by its age: the manifests are not applied');
    },

    async hasPod(jobId) {
      const labelSelector = `${jobObjectsOf(await installationId(pool))},${labels.jobId}=${jobId}`;
      const { items } = await kubernetes.core.listPodForAllNamespaces({ labelSelector, limit: 1 });
      return items.length > 0;
    },
  };
  return watch;
}

function tell(logger: Logger, restore: OpenRestore | undefined, what: string): void {
  if (restore === undefined) return;
  const { why, knownUntil } = restore;
  logger.error(
    { why: says[why], knownUntil },
    `${what}: nothing that it may have forgotten is removed until an operator has looked; see "Backup and restore" in docs/operate.md`,
  );
}
