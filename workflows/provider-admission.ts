import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { AnswerWithoutKind, RegistrationAnswer } from '../activities/registration-answer.js';
import type { Joining } from './provider-messages.js';
import { admission, delivery } from './provider-steps.js';
import type { ProviderStatus } from '../src/wire/statuses.js';

/** What the way into the fleet needs of the provider that takes it. */
export interface Applicant {
  providerId: string;
  /** It was in service before, so that a registration is no new beginning. */
  inService(): boolean;
  nodeReady(): boolean;
  /** The name that its node has, or will have when it joins. */
  named(nodeName: string): void;
  become(status: ProviderStatus): void;
  /** For people: what it waits for. */
  waiting(text: string): void;
  /** Something has changed that the provider's own loop should look at. */
  wake(what: { offer: boolean }): void;
}

/** The way into the fleet: registration, join command, node. */
export interface Admission {
  add(messageId: string): void;
  /** Begins with what is due, and returns at once. */
  proceed(): void;
  /** Its node is there: the join command has done its work, and so has the wait for its delivery. */
  nodeCame(): void;
  /** Nobody comes in any more: answers the registrations that wait, and ends what is under way as far as it can be ended. */
  withdraw(): string[];
  joining(): Joining | undefined;
  /** True once a minute while a node should be joining: it is looked for, should the watcher's signal be missing. */
  nodeIsDue(): boolean;
  /** When there is something to do that nobody tells. */
  wakeAtMs(): number;
  /** An answer is being made or delivered. */
  busy(): boolean;
  /** True while a registration waits for its answer. */
  waits(): boolean;
}

/** How often a node that should be joining is looked for. */
const recheckMs = 60_000;
/** How many join commands follow an expired one before the provider has to register again. */
const reissues = 3;

/**
 * Registrations are answered one after the other, since each answer withdraws the tokens of those before it. Nobody else
 * waits for that: the provider may go away meanwhile, or its node come. Whether an answer was delivered, which for an
 * agent that went away takes a minute to know, is left to be seen while the next one is made.
 */
export function createAdmission(provider: Applicant, carried: Joining | undefined): Admission {
  const { providerId } = provider;
  const due: { messageId: string; reissued: number }[] = [];
  let joining = carried;
  let lookAtMs = Date.now() + recheckMs;
  let answering = false;
  let delivering: CancellationScope | undefined;

  function proceed(): void {
    if (joining !== undefined && Date.now() >= joining.expiresAtMs) reissue(joining);
    const next = answering ? undefined : due.shift();
    if (next === undefined) return;
    answering = true;
    const answered = answer(next.messageId, next.reissued).finally(() => {
      answering = false;
      provider.wake({ offer: provider.nodeReady() });
    });
    reported(answered, 'a registration was not answered');
  }

  async function answer(messageId: string, reissued: number): Promise<void> {
    delivering?.cancel();
    provider.waiting('its join command to be written');
    const outcome = withKind(await admission.answerRegistration({ providerId, messageId, reissued }), providerId);
    if (outcome.kind === 'rejected') {
      const approval = outcome.awaitsApproval === true;
      provider.waiting(`${approval ? 'its approval' : 'another registration'}: ${outcome.rejected}`);
      if (!provider.inService()) provider.become(approval ? 'pending' : 'rejected');
      return;
    }
    const { nodeName } = outcome;
    provider.named(nodeName);
    if (outcome.newNode === true || !provider.nodeReady()) {
      joining = { messageId, expiresAtMs: Date.parse(outcome.expiresAt), reissued };
      lookAtMs = Date.now() + recheckMs;
      if (!provider.inService()) provider.become('approved');
      provider.waiting(`its node ${nodeName} to join with token ${outcome.tokenId}, valid until ${outcome.expiresAt}`);
    }
    if (outcome.delivered !== true) deliver(outcome.tokenId);
  }

  function deliver(tokenId: string): void {
    const scope = new CancellationScope({ cancellable: true });
    delivering = scope;
    const delivered = scope
      .run(() => delivery.ensureReplyDelivered({ providerId, tokenId }))
      .finally(() => {
        if (delivering === scope) delivering = undefined;
        provider.wake({ offer: false });
      });
    reported(delivered, 'a reply was not delivered');
  }

  /** An expired token is followed by a new one, up to a point. */
  function reissue({ messageId, reissued }: Joining): void {
    joining = undefined;
    if (reissued < reissues) {
      due.unshift({ messageId, reissued: reissued + 1 });
      return;
    }
    provider.waiting(`another registration: its node did not join with any of ${reissues + 1} join commands`);
    if (provider.inService()) return;
    provider.become('pending');
    reported(admission.recordNeverJoined({ providerId }), 'that it never joined was not written down');
  }

  function reported(step: Promise<unknown>, problem: string): void {
    step.catch((error: unknown) => {
      if (!isCancellation(error)) log.error(problem, { providerId, error });
    });
  }

  return {
    add(messageId) {
      due.push({ messageId, reissued: 0 });
    },
    proceed,
    nodeCame() {
      if (joining === undefined) return;
      joining = undefined;
      delivering?.cancel();
    },
    withdraw() {
      joining = undefined;
      delivering?.cancel();
      return due.splice(0).flatMap(({ messageId, reissued }) => (reissued === 0 ? [messageId] : []));
    },
    joining: () => joining,
    nodeIsDue() {
      if (joining === undefined || Date.now() < lookAtMs) return false;
      lookAtMs = Date.now() + recheckMs;
      return true;
    },
    wakeAtMs: () => (joining === undefined ? Infinity : Math.min(lookAtMs, joining.expiresAtMs)),
    busy: () => answering || delivering !== undefined,
    waits: () => due.length > 0,
  };
}

/** Reads what earlier builds answered as what is answered now: histories, and workers of those builds, have no `kind`. */
function withKind(answer: RegistrationAnswer | AnswerWithoutKind, providerId: string): RegistrationAnswer {
  if ('kind' in answer) return answer;
  const { rejected, awaitsApproval, nodeName = providerId, ...issued } = answer;
  if (rejected === undefined) return { kind: 'issued', ...issued, nodeName };
  return { kind: 'rejected', rejected, ...(awaitsApproval === undefined ? {} : { awaitsApproval }) };
}
