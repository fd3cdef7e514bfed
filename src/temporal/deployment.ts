import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';

/** One build of the workflow code among those that have served a site. */
export interface WorkerVersion {
  deploymentName: string;
  buildId: string;
}

/** gRPC codes: 5 NOT_FOUND, 9 FAILED_PRECONDITION, 10 ABORTED. */
const notYet = new Set<number>([5, 9, 10]);
/** The server knows a version some moments after its first worker asked for work. */
const registrationPollMs = 250;

/** How long a version waits that is not current, in milliseconds. */
export interface Patience {
  /** Between two looks whether it is needed. */
  standByMs: number;
  /** A worker that has nothing to do asks again after 60 s; one that was not heard for this long is not there. */
  silentMs: number;
}
const defaultPatience: Patience = { standByMs: 15_000, silentMs: 75_000 };

/** `temporal.api.enums.v1`: DescribeTaskQueueMode ENHANCED, TaskQueueType WORKFLOW. */
const [enhanced, workflowQueue] = [1, 1];

export interface TakingOver {
  client: Client;
  taskQueue: string;
  version: WorkerVersion;
  logger: Logger;
  signal: AbortSignal;
  patience?: Patience;
}

/**
 * Makes this worker's version the one that gets the work, without anybody's help: at once when there is no current
 * version, or when this one was first seen after it; and where this one is older, when no worker of the current version
 * is left. So a new build takes over as soon as its first worker is up, an old worker that restarts while the new ones
 * are being rolled out takes nothing back, and a site that was rolled back goes on after a minute or so. Any number
 * of workers may do so at once.
 *
 * @param onStandBy called once when there is a newer version; this one then waits to be needed.
 * @returns when the version is current, or when the signal is aborted.
 */
export async function takeOver(taking: TakingOver, onStandBy: () => void): Promise<void> {
  const { version, logger, signal, patience = defaultPatience } = taking;
  let standingBy = false;
  while (!signal.aborted) {
    const standing = await standingOf(taking).catch((error: unknown): 'unknown' => {
      if (!isGrpcServiceError(error) || !notYet.has(error.code)) {
        logger.warn({ err: error, version }, 'the version of the worker is not current yet');
      }
      return 'unknown';
    });
    if (standing === 'current') {
      logger.info({ version }, 'the version of the worker is current');
      return;
    }
    if (standing === 'stands_by' && !standingBy) {
      logger.info({ version }, 'a newer version is current: this one waits until no worker of that is left');
      standingBy = true;
      onStandBy();
    }
    await sleep(standingBy ? patience.standByMs : registrationPollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Looks where this version stands, and makes it current where it should be. Two that do so at once meet a conflict. */
async function standingOf({
  client,
  taskQueue,
  version,
  patience = defaultPatience,
}: TakingOver): Promise<'current' | 'stands_by' | 'unknown'> {
  const { deploymentName, buildId } = version;
  const { workflowService } = client;
  const { namespace } = client.options;
  const { workerDeploymentInfo, conflictToken } = await workflowService.describeWorkerDeployment({
    namespace,
    deploymentName,
  });
  const firstSeen = (id: string) => {
    const known = workerDeploymentInfo?.versionSummaries?.find(
      ({ deploymentVersion }) => deploymentVersion?.buildId === id,
    );
    return known === undefined ? undefined : milliseconds(known.createTime);
  };
  const own = firstSeen(buildId);
  if (own === undefined) return 'unknown';
  const current = workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId ?? undefined;
  if (current === buildId) return 'current';
  if (current !== undefined && own <= (firstSeen(current) ?? 0) && (await isServed(current))) return 'stands_by';
  await workflowService.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId, conflictToken });
  return 'current';

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
    const pollers = Object.values(versionsInfo?.[name]?.typesInfo ?? {}).flatMap((info) => info.pollers ?? []);
    return pollers.some(({ lastAccessTime }) => Date.now() - milliseconds(lastAccessTime) < patience.silentMs);
  }
}

/** A protobuf timestamp; seconds come as a number or as a Long. */
function milliseconds(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
}
