import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  providerNodeName,
  statusOfJoined,
  whyNotServing,
  type ProviderFacts,
  type ProviderStatus,
} from '../src/domain/provider.js';
import {
  capacityReported,
  certificateRequested,
  heartbeatChanged,
  miningChanged,
  nodeObserved,
  providerState,
  registrationReceived,
  searchAttributes,
  type CertificateRequested,
  type NodeObservation,
  type ProviderInput,
  type ProviderState,
} from './messages.js';
import { admission, fleet, mining } from './provider-steps.js';

/** How many message ids a run remembers to recognise a redelivery. */
const remembered = 64;
/** How often a node that should be joining is looked for, should the watcher's signal be missing. */
const joinRecheckMs = 60_000;
/** How many join commands follow an expired one before the provider has to register again. */
const reissues = 3;

/** A registration whose join command is out and whose node is not there yet. */
interface Joining {
  messageId: string;
  expiresAtMs: number;
  reissued: number;
}

/**
 * The life of a provider: a registration is answered with a join command, the node that appears is certified, labelled
 * and tainted by the broker, and from then on the provider is available whenever its node is ready and its heartbeat
 * alive. It waits for signals only: a steady provider adds nothing to its history.
 */
export async function providerLifecycle({ providerId, carried }: ProviderInput): Promise<void> {
  const nodeName = providerNodeName(providerId);
  const seen = new Set(carried?.seen);
  let status: ProviderStatus = carried?.status ?? 'pending';
  let facts: ProviderFacts = carried?.facts ?? { nodeReady: false, heartbeatAlive: false, gpusReady: false };
  /** What running jobs were last told about this provider. */
  let toldOnline = carried?.toldOnline ?? false;
  let joining: Joining | undefined;
  let admitting: CancellationScope | undefined;
  let waitingFor = 'its registration';

  const registrations: string[] = [];
  const capacities: string[] = [];
  const requests: CertificateRequested[] = [];
  let node: NodeObservation | undefined;
  let heartbeat: { alive: boolean; at: string } | undefined;
  /** Something changed that decides whether and how its idle GPUs mine. */
  let miningStale = false;

  const hasWork = () =>
    registrations.length > 0 ||
    requests.length > 0 ||
    capacities.length > 0 ||
    node !== undefined ||
    heartbeat !== undefined ||
    miningStale;

  setHandler(providerState, (): ProviderState => ({ status, nodeName, waitingFor }));
  setHandler(registrationReceived, ({ messageId }) => {
    if (isFirst(messageId)) registrations.push(messageId);
  });
  setHandler(capacityReported, ({ messageId }) => {
    if (isFirst(messageId)) capacities.push(messageId);
  });
  setHandler(certificateRequested, (request) => {
    if (isFirst(`csr/${request.name}`)) requests.push(request);
  });
  setHandler(nodeObserved, (observation) => {
    if (isFirst(`node/${observation.uid}/${observation.resourceVersion}`)) node = observation;
  });
  setHandler(heartbeatChanged, (change) => {
    heartbeat = change;
  });
  setHandler(miningChanged, () => {
    miningStale = true;
  });

  for (;;) {
    if (await nothingToDo()) {
      await recheckJoining();
      continue;
    }
    const messageId = registrations.shift();
    if (messageId !== undefined) admit(messageId);
    const request = requests.shift();
    if (request !== undefined) await certify(request);
    const capacity = capacities.shift();
    if (capacity !== undefined) await updateCapacity(capacity);
    if (node !== undefined) await followNode(take());
    if (heartbeat !== undefined) await followHeartbeat();
    if (miningStale) await syncMining();
    // Not before everything that came in had its effect: a new run knows the ids of messages, not what they asked for.
    if (workflowInfo().continueAsNewSuggested && joining === undefined && !hasWork()) await startOver();
  }

  /** Waits for a signal; true when none came in the time a joining node may take before it is looked for. */
  async function nothingToDo(): Promise<boolean> {
    if (joining === undefined) {
      await condition(hasWork);
      return false;
    }
    return !(await condition(hasWork, Math.max(1_000, Math.min(joinRecheckMs, joining.expiresAtMs - Date.now()))));
  }

  /**
   * Answers a registration. Not awaited: the answer includes making sure that it was delivered, which for an agent
   * that went away takes a minute, and the node may join before that. A newer registration takes the place of this one.
   */
  function admit(messageId: string, reissued = 0): void {
    admitting?.cancel();
    const scope = new CancellationScope({ cancellable: true });
    admitting = scope;
    waiting('its join command to be written');
    scope
      .run(async () => {
        const answer = await admission.answerRegistration({ providerId, nodeName, messageId, reissued });
        if (answer.rejected !== undefined) {
          waiting(`${answer.awaitsApproval === true ? 'its approval' : 'another registration'}: ${answer.rejected}`);
          if (!facts.nodeReady) become(answer.awaitsApproval === true ? 'pending' : 'rejected');
          return;
        }
        if (facts.nodeReady) {
          // What it registered may ask for other miners.
          miningStale = true;
          waiting('nothing; it registered again');
        } else {
          joining = { messageId, expiresAtMs: Date.parse(answer.expiresAt), reissued };
          become('approved');
          waiting(`its node ${nodeName} to join with token ${answer.tokenId}, valid until ${answer.expiresAt}`);
        }
        await admission.ensureReplyDelivered({ providerId, tokenId: answer.tokenId });
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) log.error('a registration was not answered', { providerId, messageId, error });
      });
  }

  /** Signs nothing by itself: the activity compares the request with what this provider may have. */
  async function certify(request: CertificateRequested): Promise<void> {
    waiting(`the certificate ${request.name} of its node`);
    const { approved, reason } = await fleet.approveNodeCertificate({ providerId, nodeName, ...request });
    waiting(approved ? `its node ${nodeName} to become ready` : `a proper certificate request: ${reason}`);
  }

  async function updateCapacity(messageId: string): Promise<void> {
    await fleet.updateCapacity({ providerId, messageId });
    miningStale = true;
  }

  /** Lets as many of its GPUs mine as its status, its configuration and the site allow now. */
  async function syncMining(): Promise<void> {
    miningStale = false;
    await mining.syncMining({ providerId });
  }

  async function followNode(observation: NodeObservation): Promise<void> {
    // A node that is just being created is not ready for a moment; that is no loss.
    if (joining !== undefined && observation.state !== 'ready') return;
    const outcome = await fleet.adoptNode({ providerId, nodeName, observation });
    if (outcome.refused !== undefined) {
      waiting(`a node of its own: ${outcome.refused}`);
      return;
    }
    facts = outcome.facts;
    if (facts.nodeReady) {
      // It is in: the join command has done its work, and the wait for its delivery too.
      joining = undefined;
      admitting?.cancel();
    }
    await settle();
  }

  async function followHeartbeat(): Promise<void> {
    facts = { ...facts, heartbeatAlive: heartbeat!.alive };
    heartbeat = undefined;
    if (joining === undefined) await settle();
  }

  /** Becomes what the facts say together, and tells the running jobs when it went away or came back. */
  async function settle(): Promise<void> {
    const next = statusOfJoined(facts);
    const reason = whyNotServing(facts);
    await fleet.setProviderStatus({ providerId, nodeName, status: next, reason });
    const online = next !== 'offline';
    if (online !== toldOnline) await fleet.tellJobs({ providerId, online, at: new Date().toISOString() });
    toldOnline = online;
    miningStale = true;
    become(next);
    waiting(reason === '' ? 'nothing; it is in service' : `its return: ${reason}`);
  }

  /** A missed signal costs a minute; an expired token costs a new one, up to a point. */
  async function recheckJoining(): Promise<void> {
    if (joining === undefined) return;
    const observation = await fleet.inspectNode({ nodeName });
    if (observation.state === 'ready') {
      node = observation;
      return;
    }
    if (Date.now() < joining.expiresAtMs) return;
    const { messageId, reissued } = joining;
    joining = undefined;
    if (reissued < reissues) {
      admit(messageId, reissued + 1);
      return;
    }
    await fleet.setProviderStatus({ providerId, nodeName, status: 'pending', reason: 'its node never joined' });
    become('pending');
    waiting(`another registration: its node did not join with any of ${reissues + 1} join commands`);
  }

  async function startOver(): Promise<void> {
    await condition(allHandlersFinished);
    await continueAsNew<typeof providerLifecycle>({
      providerId,
      carried: { status, facts, toldOnline, seen: [...seen] },
    });
  }

  function take(): NodeObservation {
    const observation = node!;
    node = undefined;
    return observation;
  }

  function isFirst(id: string): boolean {
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
    setCurrentDetails(`**${status}** since ${new Date().toISOString()}: waits for ${text}`);
  }
}
