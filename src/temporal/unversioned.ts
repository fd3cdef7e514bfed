import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';

/** gRPC codes for a server that knows no version of these workers: 5 NOT_FOUND, 12 UNIMPLEMENTED before 1.28. */
const noVersions = new Set<number>([5, 12]);
const usualPace = { everyMs: 15_000 };

/** Workers without a version get the work, or none: while a version is current, the server gives it all. */
export type UnversionedState = 'unversioned' | 'left_out';

export interface Unversioned {
  client: Client;
  deploymentName: string;
  logger: Logger;
  signal: AbortSignal;
  pace?: { everyMs: number };
  /** Called after every change, but not while Temporal is unreachable: then the last state remains. */
  onState(state: UnversionedState): void;
}

/**
 * Looks whether workers without a version get the work of their namespace. It takes nothing from a version: only an
 * operator knows whether versions are to be switched off.
 *
 * @returns when the signal is aborted.
 */
export async function watchUnversioned(watching: Unversioned): Promise<void> {
  const { client, deploymentName, logger, signal, pace = usualPace, onState } = watching;
  const { namespace } = client.options;
  let known: UnversionedState | undefined;
  while (!signal.aborted) {
    try {
      const buildId = await currentBuild(client, deploymentName);
      const state = buildId === undefined ? 'unversioned' : 'left_out';
      if (state !== known) {
        if (state === 'left_out') {
          logger.error({ namespace, buildId }, `this worker gets no work: a version is current. Run: ${switchOff()}`);
        } else if (known !== undefined) logger.info({ namespace }, 'no version is current any more');
        known = state;
        onState(state);
      }
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error, namespace }, 'cannot tell whether a version is current');
    }
    await sleep(pace.everyMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  }

  function switchOff(): string {
    return (
      `temporal worker deployment set-current-version --namespace ${namespace} ` +
      `--deployment-name ${deploymentName} --unversioned --yes`
    );
  }
}

async function currentBuild({ workflowService, options }: Client, deploymentName: string): Promise<string | undefined> {
  const { namespace } = options;
  try {
    const { workerDeploymentInfo } = await workflowService.describeWorkerDeployment({ namespace, deploymentName });
    return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId || undefined;
  } catch (error) {
    if (isGrpcServiceError(error) && noVersions.has(error.code)) return undefined;
    throw error;
  }
}
