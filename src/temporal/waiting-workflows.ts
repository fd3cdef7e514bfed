import { isGrpcServiceError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import type { Oversight, WaitingWorkflow } from '../api/oversight.js';
import { printable } from '../domain/outside.js';
import { sideBySide } from '../side-by-side.js';
import { searchAttributes } from '../../workflows/search-attributes.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { asBrokerError } from './failures.js';

/** A start or an end that takes longer is worth a look; most take a second. */
const jobsAfterMs = 60_000;
/** An owner may need some minutes for the join command. */
const providersAfterMs = 600_000;
/** What one answer has at most: each takes a call or two. */
const atMost = 40;
const readsAtOnce = 10;
const listWithinMs = 4_000;
const describeWithinMs = 2_000;
/** INVALID_ARGUMENT of gRPC. */
const invalidArgument = 3;

/** Reads which workflows wait, and what for. */
export function createWaitingWorkflows(client: Client): Oversight['waiting'] {
  return async (now) => {
    try {
      const ids = await suspects(now);
      const found: WaitingWorkflow[] = [];
      // The first that nobody answers for tells enough: the rest would take as long.
      const worker = { isAway: false };
      const failed = await sideBySide(ids.slice(0, atMost), readsAtOnce, async (workflowId) => {
        const waiting = await readWaiting(workflowId, worker);
        const isNew = waiting?.since !== undefined && now.getTime() - waiting.since.getTime() < jobsAfterMs;
        if (waiting !== undefined && !(isNew && waiting.attempts === 0)) found.push(waiting);
      });
      if (failed.length > 0 && found.length === 0) throw failed[0]!.error;
      const order = new Map(ids.map((id, at) => [id, at]));
      found.sort((a, b) => order.get(a.workflowId)! - order.get(b.workflowId)!);
      return { workflows: found, hasMore: ids.length > atMost };
    } catch (error) {
      throw asBrokerError(error, 'provider_orders');
    }
  };

  /** Ids of workflows: first those whose code fails, then jobs that start or end, then providers that wait. */
  async function suspects(now: Date): Promise<string[]> {
    const before = (ageMs: number) => `StartTime < '${new Date(now.getTime() - ageMs).toISOString()}'`;
    const running = `ExecutionStatus = 'Running'`;
    const types = `WorkflowType in ('${workflowTypes.job}', '${workflowTypes.provider}')`;
    const lists = await Promise.all([
      // Not every server has this attribute; without it, such workflows are found only where they wait anyway.
      list(`${running} and ${types} and TemporalReportedProblems is not null`).catch((error: unknown) => {
        if (isInvalidQuery(error)) return [];
        throw error;
      }),
      list(
        `${running} and WorkflowType = '${workflowTypes.job}' and ${before(jobsAfterMs)}
         and ${searchAttributes.jobStatus.name} in ('pending', 'provisioning', 'ending')`,
      ),
      list(
        `${running} and WorkflowType = '${workflowTypes.provider}' and ${before(providersAfterMs)}
         and ${searchAttributes.providerStatus.name} in ('pending', 'approved')`,
      ),
    ]);
    return [...new Set(lists.flat())];
  }

  async function list(query: string): Promise<string[]> {
    return await client.withDeadline(Date.now() + listWithinMs, async () => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query, pageSize: atMost + 1 })) {
        if (ids.push(workflowId) > atMost) break;
      }
      return ids;
    });
  }

  /** @returns undefined for a workflow that has ended meanwhile. */
  async function readWaiting(workflowId: string, worker: { isAway: boolean }): Promise<WaitingWorkflow | undefined> {
    const [described, details] = await Promise.all([
      client.withDeadline(Date.now() + describeWithinMs, () => client.workflow.getHandle(workflowId).describe()),
      worker.isAway ? undefined : detailsOf(workflowId),
    ]);
    if (described.status.name !== 'RUNNING') return undefined;
    const waiting = waitingOf(workflowId, described, details);
    if (details === undefined && !waiting.codeFails) worker.isAway = true;
    return { ...waiting, isUnserved: details === undefined && !waiting.codeFails };
  }

  /** What a workflow says of itself; undefined if no worker answers for it. */
  async function detailsOf(workflowId: string): Promise<string | undefined> {
    const handle = client.workflow.getHandle(workflowId);
    try {
      const metadata = await client.withDeadline(Date.now() + describeWithinMs, () =>
        handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata'),
      );
      return metadata.currentDetails ?? '';
    } catch {
      return undefined;
    }
  }
}

/** The client wraps what the server said. */
function isInvalidQuery(error: unknown): boolean {
  const said: unknown = error instanceof Error ? (error.cause ?? error) : error;
  return isGrpcServiceError(said) && Number(said.code) === invalidArgument;
}

/** `**provisioning** since 2026-01-01T00:00:00.000Z: waiting for …`, as jobs and providers write it. */
const written = /^\*\*(\w+)\*\* since (\S+): (?:waits for )?([^]*)$/;

function waitingOf(
  workflowId: string,
  { raw, startTime, typedSearchAttributes: attributes }: WorkflowExecutionDescription,
  details: string | undefined,
): Omit<WaitingWorkflow, 'isUnserved'> {
  const kind = workflowId.startsWith('job:') ? 'job' : 'provider';
  const status = kind === 'job' ? searchAttributes.jobStatus : searchAttributes.providerStatus;
  const [, , since, text] = written.exec(details ?? '') ?? [];
  const retried = [...(raw.pendingActivities ?? [])].sort((a, b) => (b.attempt ?? 0) - (a.attempt ?? 0))[0];
  const isRetried = (retried?.attempt ?? 1) > 1;
  const lastError = printable(retried?.lastFailure?.message);
  const waitsFor = printable(text, 500);
  return {
    ...{ workflowId, kind, id: workflowId.slice(workflowId.indexOf(':') + 1) },
    state: attributes.get(status) ?? 'unknown',
    startedAt: startTime,
    ...(since === undefined || Number.isNaN(Date.parse(since)) ? {} : { since: new Date(since) }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
    ...(isRetried ? { activity: retried?.activityType?.name ?? 'an activity' } : {}),
    attempts: isRetried ? (retried?.attempt ?? 0) : 0,
    ...(lastError === undefined ? {} : { lastError }),
    codeFails: (raw.pendingWorkflowTask?.attempt ?? 1) > 1,
  };
}
