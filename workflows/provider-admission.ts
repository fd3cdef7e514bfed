import { CancellationScope, isCancellation, log, patched } from '@temporalio/workflow';
import type { AnswerWithoutKind, RegistrationAnswer } from '../src/domain/registration-answer.js';
import type { Joining } from './provider-messages.js';
import { admission, delivery } from './provider-steps.js';
import { earliest, type Wake } from './summaries.js';
import type { ProviderStatus } from '../src/wire/statuses.js';

/** What admission needs of the provider. */
export interface Applicant {
  providerId: string;
  /** The provider was in service before, so a registration does not start it anew. */
  inService(): boolean;
  nodeReady(): boolean;
  /** Records the name that its node has, or will have when it joins. */
  named(nodeName: string): void;
  become(status: ProviderStatus): void;
  /** Shows people what the provider waits for. */
  waiting(text: string): void;
  /** Wakes the provider's own loop after a change. */
  wake(what: { offer: boolean }): void;
}

/** Admission to the fleet: registration, join command, node. */
export interface Admission {
  /**
   * @param known.sender if given, a registration of the same sender that still waits is not answered any more.
   * @param known.answer if given, it was answered before this workflow was told: what is left is to follow that.
   */
  add(messageId: string, known?: { sender?: string; answer?: RegistrationAnswer }): void;
  /** Starts the next step that is due, and returns at once. */
  proceed(): void;
  /** The node is there: its join command has done its work, and nobody needs to wait for the delivery any more. */
  nodeCame(): void;
  /**
   * Closes admission: returns the registrations that wait, for a rejection, and cancels what is under way where
   * possible.
   */
  withdraw(): string[];
  joining(): Joining | undefined;
  /**
   * True once a minute while a node should be joining: the loop then checks for it, in case the watcher's signal was
   * lost.
   */
  nodeIsDue(): boolean;
  /** When the loop has to wake without a signal, and what for. */
  wake(): Wake;
  /** An answer is being made or delivered. */
  busy(): boolean;
  /** True while a registration waits for its answer. */
  waits(): boolean;
}

/** A registration to be answered, or whose answer is to be followed. */
interface Due {
  messageId: string;
  reissued: number;
  sender?: string | undefined;
  answer?: RegistrationAnswer;
}

/** How often to check for a node that should be joining. */
const recheckMs = 60_000;
/** How many join commands follow an expired one before the provider has to register again. */
const reissues = 3;

/**
 * Answers registrations one after the other, since each answer decides which earlier tokens stay valid. Nothing else waits
 * for that: meanwhile the provider may go away, or its node come. Whether an answer was delivered takes a minute to
 * know if the agent went away, so that check runs while the next answer is made.
 */
export function createAdmission(provider: Applicant, carried: Joining | undefined): Admission {
  const { providerId } = provider;
  const due: Due[] = [];
  let joining = carried;
  let checkAtMs = Date.now() + recheckMs;
  let answering = false;
  let delivering: CancellationScope | undefined;

  function proceed(): void {
    if (joining !== undefined && Date.now() >= joining.expiresAtMs) reissue(joining);
    const next = answering ? undefined : due.shift();
    if (next === undefined) return;
    answering = true;
    const answered = answer(next).finally(() => {
      answering = false;
      provider.wake({ offer: provider.nodeReady() });
    });
    reported(answered, 'could not answer a registration');
  }

  async function answer({ messageId, reissued, answer }: Due): Promise<void> {
    delivering?.cancel();
    provider.waiting('its join command');
    const outcome =
      answer ?? withKind(await admission.answerRegistration({ providerId, messageId, reissued }), providerId);
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
      checkAtMs = Date.now() + recheckMs;
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
    reported(delivered, 'could not deliver a reply');
  }

  /** Replaces an expired token with a new one, up to a limit. */
  function reissue({ messageId, reissued }: Joining): void {
    joining = undefined;
    if (reissued < reissues) {
      due.unshift({ messageId, reissued: reissued + 1 });
      return;
    }
    provider.waiting(`another registration: its node did not join with any of ${reissues + 1} join commands`);
    if (provider.inService()) return;
    provider.become('pending');
    reported(admission.recordNeverJoined({ providerId }), 'could not record that it never joined');
  }

  function reported(step: Promise<unknown>, problem: string): void {
    step.catch((error: unknown) => {
      if (!isCancellation(error)) log.error(problem, { providerId, error });
    });
  }

  return {
    add(messageId, { sender, answer } = {}) {
      const overtaken = sender === undefined ? -1 : due.findIndex((waiting) => waiting.sender === sender);
      if (overtaken >= 0 && patched('the-newest-registration-is-answered')) due.splice(overtaken, 1);
      const isAnswered = answer !== undefined && patched('registrations-are-answered-before');
      due.push({ messageId, reissued: 0, sender, ...(isAnswered ? { answer } : {}) });
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
      if (joining === undefined || Date.now() < checkAtMs) return false;
      checkAtMs = Date.now() + recheckMs;
      return true;
    },
    wake: () =>
      earliest(
        { atMs: joining === undefined ? Infinity : checkAtMs, why: 'look for its node, which should be joining' },
        { atMs: joining?.expiresAtMs ?? Infinity, why: 'end of its join command' },
      ),
    busy: () => answering || delivering !== undefined,
    waits: () => due.length > 0,
  };
}

/** Converts what earlier builds returned: histories, and workers of those builds, have no `kind`. */
function withKind(answer: RegistrationAnswer | AnswerWithoutKind, providerId: string): RegistrationAnswer {
  if ('kind' in answer) return answer;
  const { rejected, awaitsApproval, nodeName = providerId, ...issued } = answer;
  if (rejected === undefined) return { kind: 'issued', ...issued, nodeName };
  return { kind: 'rejected', rejected, ...(awaitsApproval === undefined ? {} : { awaitsApproval }) };
}
