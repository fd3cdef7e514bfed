/**
 * The life of a provider, from its first registration until it is retired.
 *
 * **Flow.** A registration is answered with a join command; when the node appears, the broker certifies, labels and
 * taints it. From then on the provider is available whenever its node is ready and its heartbeat alive. An operator or
 * its owner may cordon, drain and retire it; its jobs are told when it goes away, comes back or is drained. It waits
 * for signals only, so a steady provider adds nothing to its history. A signal says only that something changed;
 * `assessProvider` finds out what is true now. So no signal can come too late, and one assessment is enough for many
 * signals.
 *
 * **Why durable.** A provider lives for months, through every restart and every new build of the broker. Its open join
 * command, the operator commands under way and what its jobs were last told have to survive them.
 *
 * **Retries.** Every step is safe to repeat and is retried until it succeeds, with pauses from half a second to half a
 * minute. An agent has a minute to take its join command; an expired join command is followed by up to three more. A
 * retiring provider's jobs are counted every ten minutes, in case none of them reported that it left.
 *
 * **End.** It completes when the provider has been retired and has no jobs left, or when the database does not know the
 * provider. A long history continues in a new run, which gets what `CarriedProvider` holds.
 */
import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import { createAdmission, type Admission } from './provider-admission.js';
import { follow, isBackAgain } from './provider-follow.js';
import { listen } from './provider-handlers.js';
import { leaveFleet, mayLeave, rejectRegistrations } from './provider-leave.js';
import { beginLife, type ProviderLife } from './provider-life.js';
import type { ProviderInput } from './provider-messages.js';
import { certify, syncMining, updateCapacity } from './provider-upkeep.js';
import { changedBefore, earliest } from './summaries.js';

/** Runs one provider through its life, as the head of this file describes it. */
export async function providerLifecycle(input: ProviderInput): Promise<void> {
  const life = beginLife(input);
  const registrations = createAdmission(applicant(life), input.carried?.joining);
  listen(life, registrations);

  for (;;) {
    const known = life.news;
    if (life.retiring) await rejectRegistrations(life, registrations);
    else registrations.proceed();
    for (const request of drained(life.requests)) await certify(life, request);
    for (const messageId of drained(life.capacities)) await updateCapacity(life, messageId);
    if (registrations.nodeIsDue() || isBackAgain(life)) life.changed = true;
    if (life.changed && !(await follow(life, registrations)) && isIdle(registrations)) break;
    if (life.miningStale) await syncMining(life);
    if (mayLeave(life) && (await leaveFleet(life, registrations))) {
      await condition(allHandlersFinished);
      if (!registrations.waits()) break;
      life.startAnew();
    }
    if (life.news !== known) continue;
    // Only after every message has had its effect: a new run gets the ids of messages, not their contents.
    if (workflowInfo().continueAsNewSuggested && isIdle(registrations)) await startOver(life, registrations);
    await untilNews(life, registrations, known);
  }
}

/** What admission sees of the provider. */
function applicant(life: ProviderLife): Parameters<typeof createAdmission>[0] {
  return {
    providerId: life.providerId,
    inService: life.inService,
    nodeReady: () => life.facts.nodeReady,
    named: (nodeName) => void (life.nodeName = nodeName),
    become: life.become,
    waiting: life.waiting,
    wake({ offer }) {
      life.changed ||= offer;
      life.news++;
    },
  };
}

/** Empties a queue, including what is added meanwhile. */
function* drained<T>(queue: T[]): Generator<T> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield next;
}

/** Nothing is under way, and no caller waits for a result. */
function isIdle(registrations: Admission): boolean {
  return !registrations.busy() && !registrations.waits() && allHandlersFinished();
}

async function startOver(life: ProviderLife, registrations: Admission): Promise<void> {
  const { providerId } = life;
  await continueAsNew<typeof providerLifecycle>({ providerId, carried: life.carried(registrations.joining()) });
}

async function untilNews(life: ProviderLife, registrations: Admission, known: number): Promise<void> {
  const { retiring, leaveAtMs, outUntilMs } = life;
  const wake = earliest(
    registrations.wake(),
    { atMs: retiring ? leaveAtMs : Infinity, why: 'count its jobs again; then it is retired' },
    { atMs: outUntilMs || Infinity, why: 'end of the time without jobs, after failed starts' },
  );
  const arrived = () => life.news !== known;
  if (wake.atMs === Infinity) await condition(arrived);
  else await changedBefore(wake, arrived, 1_000);
}
