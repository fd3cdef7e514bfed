import type { ProviderFinding } from '../activities/provider-assessment.js';
import type { Admission } from './provider-admission.js';
import type { ProviderLife } from './provider-life.js';
import { serviceOf, whatFor } from './provider-service.js';
import { fleet } from './provider-steps.js';

/**
 * Takes over what the assessment found, and tells the jobs if the provider went away or came back.
 *
 * @returns false if the provider is not part of the fleet.
 */
export async function follow(life: ProviderLife, registrations: Admission): Promise<boolean> {
  life.changed = false;
  const found = await fleet.assessProvider({ providerId: life.providerId });
  if (found === undefined) return false;
  life.facts = found.facts;
  life.nodeName = found.nodeName ?? life.nodeName;
  life.retiring = found.retiring;
  // The database's clock sets the end: if ours is ahead, the workflow must not assess the provider again and again.
  life.outUntilMs = found.out === undefined ? 0 : Math.max(Date.parse(found.out.until), Date.now() + 5_000);
  if (life.facts.nodeReady) registrations.nodeCame();
  life.become(found.status);
  life.miningStale = true;
  if (life.inService()) await tellJobs(life, found);
  if (registrations.joining() === undefined) life.waiting(whatFor(found));
  return true;
}

/** The time in which it was out of placement is over. */
export function isBackAgain({ outUntilMs }: ProviderLife): boolean {
  return outUntilMs > 0 && Date.now() >= outUntilMs;
}

async function tellJobs(life: ProviderLife, found: ProviderFinding): Promise<void> {
  const { providerId, nodeUid } = life;
  const since = found.awaySince === undefined ? {} : { since: found.awaySince };
  // A deleted node never comes back: another one of the same name is another machine, without the old one's pods.
  if (nodeUid !== undefined && found.nodeUid !== undefined && found.nodeUid !== nodeUid) {
    await fleet.tellJobs({ providerId, online: false, final: true, at: now(), newNode: found.nodeUid, ...since });
  }
  life.nodeUid = found.nodeUid ?? nodeUid;
  const service = serviceOf(found);
  const { absence, missingGpus } = found;
  const missing = missingGpus?.join(' ') ?? '';
  if (service !== life.told || missing !== life.toldMissing) {
    const cause = absence === undefined ? {} : { cause: absence };
    const whose = missingGpus === undefined ? {} : { missingGpus };
    await fleet.tellJobs({ providerId, online: service === 'online', at: now(), ...since, ...cause, ...whose });
  }
  life.told = service;
  life.toldMissing = missing;
}

function now(): string {
  return new Date().toISOString();
}
