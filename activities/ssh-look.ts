import { createHmac } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import { servesOthers } from '../src/db/allocations.js';
import { hostInUrl } from '../src/domain/endpoint-url.js';
import { BrokerError } from '../src/domain/errors.js';
import { jobObjectName, type JobOrder, type Placement, type SshAccess } from '../src/domain/job.js';
import { sentence, type Printable } from '../src/domain/outside.js';
import type { MachineFault } from '../src/domain/start-faults.js';
import { hostKeyFile } from '../src/kubernetes/manifests/job.js';
import { inTenant } from '../src/kubernetes/tenant-rights.js';
import { lookAt, type Look } from '../src/ssh/look.js';
import type { ActivityDeps } from './deps.js';
import { namespaceOfJob } from './job-namespace.js';

/** What the broker found at a job's SSH port; without a reason, the job's own server. */
export interface SshLook {
  unreachable?: { message: Printable; fault: MachineFault };
}

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'kubernetes' | 'logger'>;

/** One connection, from the first packet until the key is proved; a line round the world needs a second. */
const patienceMs = 5_000;
const [firstPauseMs, longestPauseMs] = [20, 2_000] as const;

/** Looks from where the broker stands, as a customer would. */
export function createSshLookActivities({ config, pool, kubernetes, logger }: Deps) {
  return {
    /**
     * Connects to a job's SSH port until its own server answers, which lets the customer in from then on; for
     * `SSH_PROBE_TIMEOUT_S` at most. One refusal proves nothing: the route may come a moment after the container has
     * started, and that of an earlier job may stay a moment longer.
     */
    async lookAtSsh(order: JobOrder, placement: Placement, ssh: SshAccess): Promise<SshLook> {
      const untilMs = Date.now() + config.SSH_PROBE_TIMEOUT_S * 1000;
      const { host, port, hostKey = '' } = ssh;
      const ident = await identOf(order);
      const context = Context.current();
      const signal = context.cancellationSignal;
      const opened = config.PROVIDER_PRIVATE_CIDRS;
      for (let pauseMs: number = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
        const timeoutMs = Math.max(1, Math.min(patienceMs, untilMs - Date.now()));
        const look = await lookAt({ host, port, hostKey, ident, opened, timeoutMs, signal });
        signal.throwIfAborted();
        if (look.kind === 'own_key') return {};
        if (look.kind === 'closed' || Date.now() + pauseMs >= untilMs) return await told(order, placement, ssh, look);
        context.heartbeat();
        await sleep(pauseMs, undefined, { signal });
      }
    },
  };

  /** By this the server knows the broker: only who has its private key can say it. */
  async function identOf(order: JobOrder): Promise<string> {
    const name = jobObjectName(order.jobId);
    const namespace = await namespaceOfJob({ pool, kubernetes }, order);
    const secret = await inTenant(kubernetes, namespace, () =>
      kubernetes.core.readNamespacedSecret({ name, namespace }),
    );
    const key = secret?.data?.[hostKeyFile];
    if (key === undefined) throw new BrokerError('dependency_unavailable', 'the Secret of the job is not there');
    return lookIdent(Buffer.from(key, 'base64'));
  }

  async function told(
    order: JobOrder,
    { providerId }: Placement,
    { host, port }: SshAccess,
    look: Look,
  ): Promise<SshLook> {
    const why = look.kind === 'silent' || look.kind === 'closed' ? look.why : 'something else answers there';
    const message = sentence(`its ports are not reachable at ${hostInUrl(host)}:${port}: ${why}`);
    // Jobs on the same machine can use up its line, and only they: without them, nobody but the provider is left.
    const isDoubtful = look.kind === 'silent' && (await servesOthers(pool, providerId, order.jobId));
    logger.warn({ jobId: order.jobId, providerId, host, port, look }, 'the SSH port of a job is not reachable');
    return { unreachable: { message, fault: isDoubtful ? 'possible' : 'certain' } };
  }
}

/** As ssh-server/door.go works it out. */
export function lookIdent(hostKeyPem: Buffer): string {
  const word = createHmac('sha256', hostKeyPem).update('worldland: the broker has looked').digest('hex');
  return `worldland_look_${word.slice(0, 32)}`;
}
