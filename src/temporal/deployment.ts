import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { UnversionedState } from './unversioned.js';

/** One build of the workflow code among those that have served a site. */
export interface WorkerVersion {
  deploymentName: string;
  buildId: string;
}

/** gRPC codes: 5 NOT_FOUND, 9 FAILED_PRECONDITION, 10 ABORTED. */
const notYet = new Set<number>([5, 9, 10]);
/** The server knows a version only some moments after its first worker polled for work. */
const registrationPollMs = 250;

/** How long a version waits, in milliseconds. */
export interface Patience {
  /** Between two checks which version is current. */
  checkEveryMs: number;
  /** An idle worker polls again after 60 s; if none was heard for this long, there is none. */
  silentMs: number;
}
const defaultPatience: Patience = { checkEveryMs: 15_000, silentMs: 75_000 };

/** `temporal.api.enums.v1`: DescribeTaskQueueMode ENHANCED, TaskQueueType WORKFLOW, WorkerVersioningMode VERSIONED. */
const [enhanced, workflowQueue, versioned] = [1, 1, 2];

/** A version's state: it gets the work; another one gets it and has workers; or another one gets it and has none. */
export type VersionState = 'current' | 'stands_by' | 'unserved';

export interface Serving {
  client: Client;
  taskQueue: string;
  version: WorkerVersion;
  logger: Logger;
  signal: AbortSignal;
  patience?: Patience;
  /** Called after every change, but not while Temporal is unreachable: then the last state remains. */
  onState(state: VersionState): void;
}

/**
 * Keeps a site served without an operator, for as long as the worker lives. A new version takes over at once, as soon
 * as its first worker is up. A version that has been current before, or is older than the current one, takes over only
 * when the current version has no worker left. So an old worker that restarts during a rollout takes nothing back; a
 * site whose new build died continues with the old one after a minute or so; the dead build waits when it comes back;
 * and two running builds never take the work from each other. Any number of workers may do this at the same time.
 *
 * @returns when the signal is aborted.
 */
export async function keepServed(serving: Serving): Promise<void> {
  const { version, logger, signal, patience = defaultPatience, onState } = serving;
  let known: VersionState | undefined;
  let wasCurrent = false;
  /** The version that had no worker at the last check. */
  let missing: string | undefined;
  while (!signal.aborted) {
    try {
      const { state, unserved } = await checkVersion(serving, { wasCurrent, missing });
      missing = unserved;
      wasCurrent ||= state === 'current';
      if (state !== undefined && state !== known) {
        known = state;
        logger.info({ version, state }, said[state]);
        onState(state);
      }
    } catch (error) {
      if (!signal.aborted && !isNotYet(error)) {
        logger.warn({ err: error, version }, 'cannot tell which version of the workers is current');
      }
    }
    const pauseMs = known === undefined ? registrationPollMs : patience.checkEveryMs * (0.75 + Math.random() / 2);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

const said: Record<VersionState, string> = {
  current: 'the version of the worker is current',
  stands_by: 'another version is current: this one waits until no worker of that is left',
  unserved: 'another version is current, and none of its workers is there',
};

interface VersionCheck {
  /** Undefined while the server does not know this version yet. */
  state: VersionState | undefined;
  /** The current version, if it has no worker. */
  unserved?: string;
}

/** Checks this version's state, and makes it current where it should be. If two do so at once, one gets a conflict. */
async function checkVersion(
  { client, taskQueue, version, logger, patience = defaultPatience }: Serving,
  { wasCurrent, missing }: { wasCurrent: boolean; missing: string | undefined },
): Promise<VersionCheck> {
  const { deploymentName, buildId } = version;
  const { workflowService } = client;
  const { namespace } = client.options;
  const { workerDeploymentInfo, conflictToken } = await workflowService.describeWorkerDeployment({
    namespace,
    deploymentName,
  });
  const summaryOf = (id: string) =>
    workerDeploymentInfo?.versionSummaries?.find(({ deploymentVersion }) => deploymentVersion?.buildId === id);
  const own = summaryOf(buildId);
  if (own === undefined) return { state: undefined };
  const current = workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId || undefined;
  if (current === buildId) return { state: 'current' };
  if (current === undefined) {
    // An operator switched versions off: workers without a version should get the work.
    if (wasCurrent) return { state: (await isServedUnversioned()) ? 'stands_by' : 'unserved' };
    return await become();
  }
  const isNew =
    own.firstActivationTime == null && milliseconds(own.createTime) > milliseconds(summaryOf(current)?.createTime);
  if (isNew) return await become();
  if (await isServed(current)) return { state: 'stands_by' };
  // A restarted server has forgotten which workers poll, and learns it again within seconds: check twice.
  if (missing !== current) return { state: 'unserved', unserved: current };
  return await become().catch((error: unknown): VersionCheck => {
    if (!isNotYet(error)) logger.warn({ err: error, version }, 'cannot take over from a version without workers');
    return { state: 'unserved', unserved: current };
  });

  async function become(): Promise<VersionCheck> {
    await workflowService.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId, conflictToken });
    return { state: 'current' };
  }

  async function isServed(served: string): Promise<boolean> {
    const name = `${deploymentName}:${served}`;
    const { versionsInfo } = await workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      apiMode: enhanced,
      versions: { buildIds: [name] },
      taskQueueTypes: [workflowQueue],
      reportPollers: true,
    });
    return Object.values(versionsInfo?.[name]?.typesInfo ?? {}).some((info) => info.pollers?.some(isThere));
  }

  async function isServedUnversioned(): Promise<boolean> {
    const { pollers } = await workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: workflowQueue,
    });
    return pollers.some(
      (poller) => Number(poller.deploymentOptions?.workerVersioningMode) !== versioned && isThere(poller),
    );
  }

  function isThere({ lastAccessTime }: { lastAccessTime?: Timestamp }): boolean {
    return Date.now() - milliseconds(lastAccessTime) < patience.silentMs;
  }
}

function isNotYet(error: unknown): boolean {
  return isGrpcServiceError(error) && notYet.has(error.code);
}

/** What `/ready` says about a worker: one that stands by is ready as long as others do the work. */
export function readinessOf(
  state: string,
  versionState: VersionState | UnversionedState | 'unknown',
): { ok: boolean; detail: string } {
  const does = state.toLowerCase();
  const runs = state === 'RUNNING';
  switch (versionState) {
    case 'unknown':
      return { ok: false, detail: `${does}, waits to learn which version is current` };
    case 'left_out':
      return { ok: false, detail: `${does}, and has no version while another one is current` };
    case 'unserved':
      return { ok: false, detail: `${does}, and no worker of the current version is there` };
    case 'stands_by':
      return { ok: runs, detail: `${does}, stands by` };
    default:
      return { ok: runs, detail: does };
  }
}

/** A protobuf timestamp; seconds come as a number or as a Long. */
type Timestamp = { seconds?: unknown; nanos?: number | null } | null | undefined;

function milliseconds(time: Timestamp): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
}
