import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { isInService, type ProviderFacts } from '../src/domain/provider.js';
import type {
  CarriedProvider,
  CertificateRequested,
  Joining,
  ProviderInput,
  ProviderService,
  ProviderState,
} from './provider-messages.js';
import { serviceTold } from './provider-service.js';
import { searchAttributes } from './search-attributes.js';
import type { ProviderStatus } from '../src/wire/statuses.js';

/** How many message ids a run remembers, to recognise a redelivery. */
const remembered = 64;

const nothing: ProviderFacts = { nodeReady: false, heartbeatAlive: false, gpusReady: false };

/** What the workflow of a provider knows and still has to do. Handlers and steps change it. */
export interface ProviderLife {
  readonly providerId: string;
  /** The name that the broker gave its node; before 0.2.0 that was the provider's id. */
  nodeName: string;
  /** The uid of the node it was last seen with. */
  nodeUid: string | undefined;
  facts: ProviderFacts;
  /** What running jobs were last told about this provider; undefined if that is not known. */
  told: ProviderService | undefined;
  /** Which GPU resources the jobs were told are missing; '' if the provider has only one. */
  toldMissing: string;
  retiring: boolean;
  /** Messages with new capacity figures that still have to be recorded, by id. */
  readonly capacities: string[];
  /** Certificate requests that wait for a decision. */
  readonly requests: CertificateRequested[];
  /** The provider changed and has to be assessed. */
  changed: boolean;
  /** A change may affect whether and how its idle GPUs mine. */
  miningStale: boolean;
  /** When to count its jobs next, while it is retiring. */
  leaveAtMs: number;
  /** Out of placement until then; 0 if it is not. */
  outUntilMs: number;
  /** Grows with every message, so that the loop does not wait after it missed one while it was busy. */
  news: number;

  inService(): boolean;
  state(): ProviderState;
  /** Records a message; false if its id is known already. */
  isFirst(messageId: string): boolean;
  become(status: ProviderStatus): void;
  /** Shows people what the provider waits for. */
  waiting(text: string): void;
  /** Starts from the beginning: a registration came in while the provider was leaving. */
  startAnew(): void;
  /** What the next run has to know. */
  carried(joining: Joining | undefined): CarriedProvider;
}

/** A provider as its workflow starts with it, or continues it in a new run. */
export function beginLife({ providerId, carried }: ProviderInput): ProviderLife {
  const seen = new Set(carried?.seen);
  let status: ProviderStatus = carried?.status ?? 'pending';
  let waitingFor = 'its registration';

  const life: ProviderLife = {
    providerId,
    nodeName: carried?.nodeName ?? providerId,
    nodeUid: carried?.nodeUid,
    facts: carried?.facts ?? nothing,
    told: carried?.told ?? serviceTold(carried?.toldOnline),
    toldMissing: carried?.toldMissing ?? '',
    retiring: carried?.retiring ?? false,
    capacities: [],
    requests: [],
    changed: false,
    miningStale: false,
    leaveAtMs: 0,
    outUntilMs: 0,
    news: 0,

    inService: () => isInService(status),
    state: () => ({ status, nodeName: life.nodeName, waitingFor, retiring: life.retiring }),
    isFirst(messageId) {
      life.news++;
      if (seen.has(messageId)) return false;
      seen.add(messageId);
      if (seen.size > remembered) seen.delete(seen.values().next().value!);
      return true;
    },
    become(next) {
      if (next === status) return;
      status = next;
      upsertSearchAttributes([{ key: searchAttributes.providerStatus, value: next }]);
    },
    waiting(text) {
      waitingFor = text;
      setCurrentDetails(`**${status}** since ${new Date().toISOString()}: waits for ${text}`);
    },
    startAnew() {
      life.facts = nothing;
      life.nodeUid = undefined;
      life.told = undefined;
      life.toldMissing = '';
      life.retiring = false;
      life.changed = false;
      life.become('pending');
      life.news++;
    },
    carried: (joining) => carriedBy(life, { status, seen: [...seen], joining }),
  };
  return life;
}

function carriedBy(
  { facts, retiring, nodeName, told, toldMissing, nodeUid }: ProviderLife,
  { status, seen, joining }: { status: ProviderStatus; seen: string[]; joining: Joining | undefined },
): CarriedProvider {
  return {
    status,
    facts,
    retiring,
    nodeName,
    seen,
    ...(told === undefined ? {} : { told }),
    ...(toldMissing === '' ? {} : { toldMissing }),
    ...(nodeUid === undefined ? {} : { nodeUid }),
    ...(joining === undefined ? {} : { joining }),
  };
}
