import { Context } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1DeleteOptions, V1Node, V1Pod } from '@kubernetes/client-node';
import { findAllocation } from '../src/db/allocations.js';
import { installationId, observerKey } from '../src/db/installation.js';
import { beginRemoval, jobInputs } from '../src/db/jobs.js';
import { chargedUntil, openRestore } from '../src/db/restores.js';
import { currentNode } from '../src/db/provider-nodes.js';
import { BrokerError } from '../src/domain/errors.js';
import { jobObjectName, type JobOrder, type Placement, type SshAccess } from '../src/domain/job.js';
import { sshPortName } from '../src/domain/job-ports.js';
import { instantAt, type Instant } from '../src/domain/outside.js';
import { applyPatch, fieldManager, statusOf, unlessExists, unlessNotFound } from '../src/kubernetes/client.js';
import { clusterRanges, nodeRanges } from '../src/kubernetes/cluster-ranges.js';
import { jobNetworkPolicy } from '../src/kubernetes/manifests/job-network.js';
import {
  awaitsLook,
  hostKeyFile,
  jobPod,
  jobSecret,
  type JobInputs,
  type JobManifestSettings,
} from '../src/kubernetes/manifests/job.js';
import { jobService, openedPorts } from '../src/kubernetes/manifests/job-service.js';
import type { TenantQuota } from '../src/kubernetes/manifests/tenant.js';
import { isHindered } from '../src/kubernetes/nodes.js';
import { gonePod, observePod } from '../src/kubernetes/observe-pod.js';
import { labels } from '../src/kubernetes/names.js';
import { labelledFor, unlessGone } from '../src/kubernetes/ownership.js';
import { newSshHostKey, publicSshHostKey } from '../src/kubernetes/ssh-host-key.js';
import { hasUserNamespaces } from '../src/kubernetes/user-namespaces.js';
import { observerKeyOf } from '../src/ssh/observer-key.js';
import { inTenant, lacksRight } from '../src/kubernetes/tenant-rights.js';
import { ensureTenant, forgetTenant } from '../src/kubernetes/tenants.js';
import type { PodObservation } from '../workflows/job-messages.js';
import type { ActivityDeps } from './deps.js';
import { claimJobNamespace, namespaceOfJob } from './job-namespace.js';
import { asPodDenial, withPort } from './pod-denials.js';
import { removeOverdue } from './pod-removal.js';
import { sshHost } from './ssh-host.js';

/** A day more than the longest job: Kubernetes ends a pod by itself only if the broker is gone for ever. */
const deadlineSlackSeconds = 86_400;

/** A pod that is there takes at least this long to go. */
const firstLookMs = 100;

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'kubernetes' | 'logger'>;

/** A pod that was made, and how its customer will reach it. */
export interface ProvisionedPod {
  podUid: string;
  ssh: SshAccess;
  /** Set if the job does not run before the broker has seen its SSH port answer. */
  isLookedAt?: true;
}

/** What is known of a pod that was removed. */
export interface RemovedPod {
  podEndedAt?: Instant;
  /** There was none when the database was restored: the job is charged until this backup at most. */
  missingSince?: Instant;
  isHindered?: boolean;
}

/**
 * A job's objects in Kubernetes. Their names follow from the job's id, so a repeat finds what the first attempt
 * created.
 */
export function createPodActivities({ config, pool, kubernetes, logger }: Deps) {
  const { core } = kubernetes;
  const quota = tenantQuota(config);

  return {
    /**
     * Creates namespace, Secret, Service with its node ports, and Pod; returns how the customer will reach the pod. Service and pod
     * are tied only by labels, so a repeat may find either of them.
     *
     * @throws no_ports_left before there is a pod; pod_refused if Kubernetes will never accept it.
     */
    async provisionJob(order: JobOrder, placement: Placement): Promise<ProvisionedPod> {
      const namespace = await claimJobNamespace({ pool, kubernetes }, order, Context.current().info.attempt > 1);
      const job: PlacedJob = { order, placement, namespace };
      try {
        const installation = await installationId(pool);
        const { gpuResource } = placement;
        await ensureTenant(kubernetes, namespace, quota, config.ENABLE_TENANT_ISOLATION, installation, gpuResource);
        const inputs = await jobInputs(pool, order.jobId);
        const [hostKey, service, node] = await allOf(
          ensureSecret(job, inputs),
          ensureService(job),
          core.readNode({ name: placement.nodeName }),
        );
        const pod = await ensurePod(job, inputs, node);
        const podUid = pod.metadata!.uid!;
        const [host] = await allOf(
          sshHost(pool, placement, node),
          config.ENABLE_TENANT_ISOLATION ? ensureWayOut(job, podUid, node) : undefined,
        );
        const ssh: SshAccess = { host, user: 'root', hostKey, ...service };
        return { podUid, ssh, ...(awaitsLook(pod) ? { isLookedAt: true } : {}) };
      } catch (error) {
        // The namespace may have been deleted since this process saw it: the next attempt creates it again.
        if (statusOf(error)?.code === 404 || lacksRight(error)) forgetTenant(namespace);
        throw asPodDenial(error);
      }
    },

    /** Reads a job's pod: the slow way to learn what the watcher reports at once. */
    async inspectJob(order: JobOrder, podUid: string): Promise<PodObservation> {
      const pod = await readPod(order, await namespaceOfJob({ pool, kubernetes }, order));
      return pod === undefined || pod.metadata?.uid !== podUid ? gonePod(podUid) : observePod(pod);
    },

    /**
     * Deletes a job's pod, Service and Secret; returns once Kubernetes has confirmed that the pod is gone. A pod that
     * its node does not end is deleted by force, soon if the node does not answer, and later if it does: when its kubelet
     * comes to it, it finds no such pod and stops the containers. A pod that remains even so is left, with an alarm.
     *
     * @param placement set if the job moves elsewhere: then only objects created for this placement are deleted,
     * however late this runs.
     * @returns when the pod ended, if it said so before it was deleted; `missingSince` if there was none when the database was
     * restored; and whether its node shows a reason why a pod
     * may not start although the machine is well.
     */
    async teardownJob(order: JobOrder, placement?: Placement): Promise<RemovedPod> {
      const [namespace] = await allOf(
        namespaceOfJob({ pool, kubernetes }, order),
        placement === undefined ? beginRemoval(pool, order.jobId) : undefined,
      );
      const name = jobObjectName(order.jobId);
      const context = Context.current();
      const found = await readPod(order, namespace);
      const isMeant = (object: KubernetesObject) => placement === undefined || isOf(placement, object);
      const podEndedAt = found !== undefined && isMeant(found) ? observePod(found).endedAt : undefined;
      const hindered = await isHinderedAt(found, placement);
      // A repeat finds none because the first attempt removed it.
      const isMissing = found === undefined && placement === undefined && context.info.attempt === 1;
      const missingSince = isMissing ? chargedUntil(await openRestore(pool)) : undefined;
      const remove = async (
        read: () => Promise<KubernetesObject>,
        removeIt: (options: { body?: V1DeleteOptions }) => Promise<unknown>,
      ): Promise<void> => {
        if (placement === undefined) return void (await inTenant(kubernetes, namespace, () => removeIt({})));
        const object = await inTenant(kubernetes, namespace, read);
        if (object === undefined || !isMeant(object)) return;
        await removeStale(namespace, object, (body) => removeIt({ body }));
      };
      await allOf(
        remove(
          () => core.readNamespacedSecret({ name, namespace }),
          (options) => core.deleteNamespacedSecret({ name, namespace, ...options }),
        ),
        remove(
          () => core.readNamespacedPod({ name, namespace }),
          (options) => core.deleteNamespacedPod({ name, namespace, ...options }),
        ),
      );
      const pause = (ms: number) => sleep(ms, undefined, { signal: context.cancellationSignal });
      if (found !== undefined) await pause(firstLookMs);
      for (let waitMs = 2 * firstLookMs; ; waitMs = Math.min(waitMs * 2, 1_000)) {
        const pod = await readPod(order, namespace);
        if (pod === undefined || !isMeant(pod)) break;
        context.heartbeat();
        if ((await removeOverdue({ config, kubernetes, logger }, pod)) === 'left') break;
        await pause(waitMs);
      }
      // This frees the port. For a job of an earlier version, garbage collection may have deleted it with the pod.
      await remove(
        () => core.readNamespacedService({ name, namespace }),
        (options) => core.deleteNamespacedService({ name, namespace, ...options }),
      );
      return {
        ...(podEndedAt === undefined ? {} : { podEndedAt }),
        ...(missingSince === undefined ? {} : { missingSince: instantAt(missingSince.getTime()) }),
        ...(hindered ? { isHindered: true } : {}),
      };
    },
  };

  /** Checked only for a pod that does not run: for others the result is not used. */
  async function isHinderedAt(pod: V1Pod | undefined, placement: Placement | undefined): Promise<boolean> {
    if (pod?.status?.phase === 'Running') return false;
    const providerId = pod?.metadata?.labels?.[labels.providerId];
    const name =
      placement?.nodeName ??
      pod?.spec?.nodeName ??
      (providerId === undefined ? undefined : (await currentNode(pool, providerId))?.nodeName);
    if (name === undefined) return false;
    const node = await unlessNotFound(core.readNode({ name }));
    return node === undefined || isHindered(node);
  }

  async function readPod({ jobId }: JobOrder, namespace: string): Promise<V1Pod | undefined> {
    return await unlessNotFound(core.readNamespacedPod({ name: jobObjectName(jobId), namespace }));
  }

  /**
   * Creates the Secret with a new host key and returns the public half. An existing Secret keeps its key: its pod may
   * already serve with it.
   */
  async function ensureSecret(job: PlacedJob, inputs: JobInputs): Promise<string> {
    const { order, placement, namespace } = job;
    const key = newSshHostKey();
    const body = labelledFor(await installationId(pool), jobSecret(order, placement, inputs, key));
    if ((await unlessExists(core.createNamespacedSecret({ namespace, body }))) !== undefined)
      return publicSshHostKey(key);
    const name = jobObjectName(order.jobId);
    const secret = await core.readNamespacedSecret({ name, namespace });
    await requireOwn(job, secret, (options) => core.deleteNamespacedSecret({ name, namespace, body: options }));
    return publicSshHostKey(Buffer.from(secret.data?.[hostKeyFile] ?? '', 'base64').toString());
  }

  async function ensurePod(job: PlacedJob, inputs: JobInputs, node: V1Node): Promise<V1Pod> {
    const { order, placement, namespace } = job;
    const settings: JobManifestSettings = {
      sshServerImage: config.SSH_SERVER_IMAGE,
      defaultImage: config.JOB_DEFAULT_IMAGE,
      pullUnresolved: config.JOB_IMAGE_PULL_POLICY,
      activeDeadlineSeconds: config.JOB_MAX_DURATION_S + deadlineSlackSeconds,
      expiresAt: new Date(Date.now() + order.durationSeconds * 1000).toISOString(),
      ...(config.JOB_RUNTIME_CLASS === undefined ? {} : { runtimeClassName: config.JOB_RUNTIME_CLASS }),
      isLookedAt: config.SSH_PROBE,
      // Only where somebody asks: a server of an earlier version does not know the flag.
      ...(config.SSH_PROBE ? { observerKey: observerKeyOf(await observerKey(pool), order.jobId).publicKey } : {}),
      userNamespaces: config.JOB_USER_NAMESPACES && hasUserNamespaces(node, config.JOB_RUNTIME_CLASS),
    };
    const pod = jobPod(order, placement, Object.keys(inputs.env), settings, inputs.registryAuth !== undefined);
    const body = labelledFor(await installationId(pool), pod);
    const created = await unlessExists(core.createNamespacedPod({ namespace, body }));
    if (created !== undefined) return created;
    const existing = await readPod(order, namespace);
    if (existing === undefined) throw new BrokerError('dependency_unavailable', 'the pod vanished while it was made');
    const name = jobObjectName(order.jobId);
    await requireOwn(job, existing, (options) => core.deleteNamespacedPod({ name, namespace, body: options }));
    return existing;
  }

  /** Returns the ports, which belong to the job from here on. */
  async function ensureService(job: PlacedJob): Promise<Pick<SshAccess, 'port' | 'opened'>> {
    const { order, placement, namespace } = job;
    const body = labelledFor(await installationId(pool), jobService(order, placement));
    const name = jobObjectName(order.jobId);
    const askedForMs = Date.now() - Context.current().info.scheduledTimestampMs;
    const service =
      (await unlessExists(withPort(core.createNamespacedService({ namespace, body }), askedForMs))) ??
      (await core.readNamespacedService({ name, namespace }));
    await requireOwn(job, service, (options) => core.deleteNamespacedService({ name, namespace, body: options }));
    const port = service.spec?.ports?.find(({ name: of }) => of === sshPortName)?.nodePort;
    if (port === undefined) throw new BrokerError('dependency_unavailable', 'the Service has no port yet');
    return { port, ...(order.ports === undefined ? {} : { opened: openedPorts(order.ports, service) }) };
  }

  /** Opens the internet, which the tenant's own policy does not. */
  async function ensureWayOut({ order, placement, namespace }: PlacedJob, podUid: string, node: V1Node): Promise<void> {
    const closed = [...(await clusterRanges(kubernetes, config)), ...nodeRanges(node)];
    const body = labelledFor(await installationId(pool), jobNetworkPolicy(order, placement, podUid, closed));
    const name = body.metadata!.name!;
    // A policy of an earlier placement may still exist, and would be deleted together with the pod that owns it.
    await kubernetes.networking.patchNamespacedNetworkPolicy(
      { name, namespace, body, fieldManager, force: true },
      applyPatch,
    );
  }

  /**
   * Requires that an object under one of the job's names belongs to this placement. An object of an earlier placement
   * is deleted, and the next attempt creates it again; a late attempt of an earlier placement deletes nothing.
   */
  async function requireOwn(
    { order, placement, namespace }: PlacedJob,
    object: KubernetesObject,
    remove: (options: V1DeleteOptions) => Promise<unknown>,
  ): Promise<void> {
    if (isOf(placement, object)) return;
    const held = await findAllocation(pool, order.jobId);
    if (held?.providerId !== placement.providerId) {
      throw new BrokerError('allocation_released', 'the job is at another provider now');
    }
    await removeStale(namespace, object, remove);
    throw new BrokerError('dependency_unavailable', 'what is left of the job at another provider is being removed');
  }

  /** Deletes exactly this object, and not a newer one of the same name. */
  async function removeStale(
    namespace: string,
    { metadata }: KubernetesObject,
    remove: (options: V1DeleteOptions) => Promise<unknown>,
  ): Promise<void> {
    const preconditions = { uid: metadata!.uid! };
    await unlessGone(inTenant(kubernetes, namespace, () => remove({ preconditions })));
  }
}

/** What one wallet may have in its namespace. */
function tenantQuota(config: ActivityDeps['config']): TenantQuota {
  return {
    maxJobs: config.MAX_JOBS_PER_WALLET,
    maxGpus: config.MAX_GPUS_PER_WALLET,
    maxPorts: config.MAX_PORTS_PER_WALLET,
  };
}

/** An order with what was decided about it. */
interface PlacedJob {
  order: JobOrder;
  placement: Placement;
  namespace: string;
}

/** Waits for all even if one fails: nothing may be created any more once the activity is over. */
async function allOf<T extends readonly unknown[]>(...promises: T): Promise<{ [At in keyof T]: Awaited<T[At]> }> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}

/**
 * Whether an object was created for this placement, told by its provider: a job is never placed twice at one provider.
 */
function isOf({ providerId }: Placement, { metadata }: KubernetesObject): boolean {
  return metadata?.labels?.[labels.providerId] === providerId;
}
