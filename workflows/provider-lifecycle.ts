import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ProviderFinding } from '../activities/provider-assessment.js';
import { isInService, type ProviderFacts, type ProviderStatus } from '../src/domain/provider.js';
import {
  capacityReported,
  certificateRequested,
  heartbeatChanged,
  jobLeft,
  miningChanged,
  nodeObserved,
  placementChanged,
  providerState,
  registrationReceived,
  type CertificateRequested,
  type ProviderInput,
  type ProviderService,
} from './provider-messages.js';
import { searchAttributes } from './search-attributes.js';
import { createAdmission } from './provider-admission.js';
import { takeOrders } from './provider-orders.js';
import { serviceOf, serviceTold, whatFor } from './provider-service.js';
import { admission, fleet, mining } from './provider-steps.js';

/** How many message ids a run remembers to recognise a redelivery. */
const remembered = 64;
/** How often the jobs of a provider that is to leave are counted, should none of them have said that it left. */
const leaveRecheckMs = 10 * 60_000;

const nothing: ProviderFacts = { nodeReady: false, heartbeatAlive: false, gpusReady: false };

/**
 * The life of a provider: a registration is answered with a join command, the node that appears is certified, labelled
 * and tainted by the broker, and from then on the provider is available whenever its node is ready and its heartbeat
 * alive, until it is retired. It waits for signals only: a steady provider adds nothing to its history.
 *
 * A signal says that something changed; what it is now, `assessProvider` finds out. So no signal can come too late, and
 * of many at once, as a provider sends that comes and goes, one look is enough.
 */
export async function providerLifecycle({ providerId, carried }: ProviderInput): Promise<void> {
  /** As the broker named its node; before 0.2.0 that was its id. */
  let nodeName = carried?.nodeName ?? providerId;
  const seen = new Set(carried?.seen);
  let status: ProviderStatus = carried?.status ?? 'pending';
  let facts: ProviderFacts = carried?.facts ?? nothing;
  let nodeUid = carried?.nodeUid;
  /** What running jobs were last told about this provider; undefined when nobody knows. */
  let told: ProviderService | undefined = carried?.told ?? serviceTold(carried?.toldOnline);
  /** Whose GPUs they were told are missing, by resource; '' where there is one. */
  let toldMissing = carried?.toldMissing ?? '';
  let retiring = carried?.retiring ?? false;
  let waitingFor = 'its registration';

  const capacities: string[] = [];
  const requests: CertificateRequested[] = [];
  /** Something about it changed. */
  let changed = false;
  /** Something changed that decides whether and how its idle GPUs mine. */
  let miningStale = false;
  /** When it is to be looked at whether it has jobs left, once it is retiring. */
  let leaveAtMs = 0;
  /** It is out of placement until then; 0 when it is not. */
  let outUntilMs = 0;
  /** Grows with everything that comes in: what came while the loop was busy is seen before it waits. */
  let news = 0;

  const inService = () => isInService(status);
  const registrations = createAdmission(
    {
      providerId,
      inService,
      nodeReady: () => facts.nodeReady,
      named: (name) => (nodeName = name),
      become,
      waiting,
      wake: ({ offer }) => {
        changed ||= offer;
        news++;
      },
    },
    carried?.joining,
  );

  setHandler(providerState, () => ({ status, nodeName, waitingFor, retiring }));
  setHandler(registrationReceived, ({ messageId }) => {
    if (isFirst(messageId)) registrations.add(messageId);
  });
  setHandler(capacityReported, ({ messageId }) => {
    if (isFirst(messageId)) capacities.push(messageId);
  });
  setHandler(certificateRequested, (request) => {
    if (isFirst(`csr/${request.name}`)) requests.push(request);
  });
  setHandler(nodeObserved, ({ state }) => {
    news++;
    // A node that is just being created is not ready for a moment; that is no loss.
    if (inService() || state === 'ready') changed = true;
  });
  setHandler(heartbeatChanged, () => {
    news++;
    changed = true;
  });
  setHandler(miningChanged, () => {
    news++;
    miningStale = true;
  });
  setHandler(placementChanged, () => {
    news++;
    changed = true;
  });
  setHandler(jobLeft, () => {
    news++;
    leaveAtMs = 0;
    // With one job less, the GPUs that are left may be enough.
    if (told === 'gpu_lost') changed = true;
  });
  takeOrders({
    providerId,
    state: () => ({ status, nodeName, waitingFor, retiring }),
    ordered({ action }) {
      news++;
      changed = true;
      if (action !== 'retire') return;
      retiring = true;
      leaveAtMs = 0;
    },
  });

  for (;;) {
    const known = news;
    if (retiring) await refuseRegistrations();
    else registrations.proceed();
    for (let next = requests.shift(); next !== undefined; next = requests.shift()) await certify(next);
    for (let next = capacities.shift(); next !== undefined; next = capacities.shift()) await updateCapacity(next);
    if (registrations.nodeIsDue() || isBackAgain()) changed = true;
    if (changed && !(await follow()) && isIdle()) break;
    if (miningStale) await syncMining();
    if (retiring && Date.now() >= leaveAtMs && (await leave())) {
      await condition(allHandlersFinished);
      if (!registrations.waits()) break;
      startAnew();
    }
    if (news !== known) continue;
    // Everything that came in has had its effect: a new run knows the ids of messages, not what they asked for.
    if (workflowInfo().continueAsNewSuggested && isIdle()) await startOver();
    await untilNews(known);
  }

  /** Nothing is under way, and nobody waits for an answer. */
  function isIdle(): boolean {
    return !registrations.busy() && !registrations.waits() && allHandlersFinished();
  }

  async function untilNews(known: number): Promise<void> {
    const wakeMs = Math.min(registrations.wakeAtMs(), retiring ? leaveAtMs : Infinity, outUntilMs || Infinity);
    const arrived = () => news !== known;
    if (wakeMs === Infinity) await condition(arrived);
    else await condition(arrived, Math.max(1_000, wakeMs - Date.now()));
  }

  /** Signs nothing by itself: the activity compares the request with what this provider may have. */
  async function certify(request: CertificateRequested): Promise<void> {
    const before = waitingFor;
    waiting(`the certificate ${request.name} of its node`);
    const { approved, reason } = await fleet.approveNodeCertificate({
      providerId,
      leaving: retiring,
      ...request,
    });
    const next = request.tokenId === undefined ? before : `its node ${nodeName} to become ready`;
    waiting(approved ? next : `a proper certificate request: ${reason}`);
  }

  async function updateCapacity(messageId: string): Promise<void> {
    await fleet.updateCapacity({ providerId, messageId });
    changed = true;
  }

  /** Lets as many of its GPUs mine as its status, its configuration and the site allow now. */
  async function syncMining(): Promise<void> {
    miningStale = false;
    await mining.syncMining({ providerId });
  }

  /**
   * Becomes what it is found to be, and tells its jobs when it went away or came back.
   *
   * @returns false when it is no part of the fleet.
   */
  async function follow(): Promise<boolean> {
    changed = false;
    const found = await fleet.assessProvider({ providerId });
    if (found === undefined) return false;
    facts = found.facts;
    nodeName = found.nodeName ?? nodeName;
    retiring = found.retiring;
    // By the clock of the database: one of ours that is ahead must not make it look again and again.
    outUntilMs = found.out === undefined ? 0 : Math.max(Date.parse(found.out.until), Date.now() + 5_000);
    if (facts.nodeReady) registrations.nodeCame();
    become(found.status);
    miningStale = true;
    if (inService()) await tellJobs(found);
    if (registrations.joining() === undefined) waiting(whatFor(found));
    return true;
  }

  async function tellJobs(found: ProviderFinding): Promise<void> {
    const since = found.awaySince === undefined ? {} : { since: found.awaySince };
    // A node that was deleted never comes back: another one of its name is another machine, without what ran on it.
    if (nodeUid !== undefined && found.nodeUid !== undefined && found.nodeUid !== nodeUid) {
      await fleet.tellJobs({ providerId, online: false, final: true, at: now(), newNode: found.nodeUid, ...since });
    }
    nodeUid = found.nodeUid ?? nodeUid;
    const service = serviceOf(found);
    const { absence, missingGpus } = found;
    const missing = missingGpus?.join(' ') ?? '';
    if (service !== told || missing !== toldMissing) {
      const cause = absence === undefined ? {} : { cause: absence };
      const whose = missingGpus === undefined ? {} : { missingGpus };
      await fleet.tellJobs({ providerId, online: service === 'online', at: now(), ...since, ...cause, ...whose });
    }
    told = service;
    toldMissing = missing;
  }

  async function refuseRegistrations(): Promise<void> {
    const unanswered = registrations.withdraw();
    if (unanswered.length === 0) return;
    await admission.refuseRegistration({
      providerId,
      message: 'the provider is being retired; register again after that',
    });
  }

  /** Leaves the fleet; true when it has left, false while it has jobs or a registration is just being answered. */
  async function leave(): Promise<boolean> {
    if (registrations.busy()) return false;
    leaveAtMs = Date.now() + leaveRecheckMs;
    const { jobs } = await fleet.retireProvider({ providerId });
    if (jobs > 0) {
      waiting(`the end of its jobs, ${jobs} of them, to be retired`);
      return false;
    }
    await syncMining();
    become('retired');
    waiting('nothing; it is retired');
    return true;
  }

  /** It registered in the moment it left. */
  function startAnew(): void {
    facts = nothing;
    nodeUid = undefined;
    told = undefined;
    toldMissing = '';
    retiring = false;
    changed = false;
    become('pending');
    news++;
  }

  async function startOver(): Promise<void> {
    const joining = registrations.joining();
    await continueAsNew<typeof providerLifecycle>({
      providerId,
      carried: {
        status,
        facts,
        retiring,
        nodeName,
        seen: [...seen],
        ...(told === undefined ? {} : { told }),
        ...(toldMissing === '' ? {} : { toldMissing }),
        ...(nodeUid === undefined ? {} : { nodeUid }),
        ...(joining === undefined ? {} : { joining }),
      },
    });
  }

  function isBackAgain(): boolean {
    return outUntilMs > 0 && Date.now() >= outUntilMs;
  }

  function isFirst(id: string): boolean {
    news++;
    if (seen.has(id)) return false;
    seen.add(id);
    if (seen.size > remembered) seen.delete(seen.values().next().value!);
    return true;
  }

  function become(next: ProviderStatus): void {
    if (next === status) return;
    status = next;
    upsertSearchAttributes([{ key: searchAttributes.providerStatus, value: next }]);
  }

  function waiting(text: string): void {
    waitingFor = text;
    setCurrentDetails(`**${status}** since ${now()}: waits for ${text}`);
  }
}

function now(): string {
  return new Date().toISOString();
}
