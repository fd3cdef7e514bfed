import { sentence, type Printable } from './outside.js';
import type { ProviderStatus } from '../wire/statuses.js';

/** The facts that an owner's question "why does it take no jobs?" is answered from. */
export interface StateFacts {
  status: ProviderStatus;
  /** As the broker wrote it down with the status. */
  statusReason: string;
  heartbeatAlive: boolean;
  lastHeartbeat?: Date | undefined;
  cordoned: boolean;
  drained: boolean;
  retiring: boolean;
  drainUntil?: Date | undefined;
  /** Why it is not offered although it is well. */
  notOffered?: string | undefined;
}

/** Why a provider takes no jobs, or not all that it could; undefined while it takes them. */
export function stateReason(facts: StateFacts, nowMs: number): Printable | undefined {
  const reasons = [whyAway(facts, nowMs), whyCommanded(facts), facts.notOffered ?? ''].filter(
    (reason) => reason !== '',
  );
  if (reasons.length > 0) return sentence(reasons.join('; '));
  return facts.status === 'busy' ? sentence('all that it offers is rented') : undefined;
}

/** What keeps the machine itself from serving. */
function whyAway({ status, statusReason, heartbeatAlive, lastHeartbeat }: StateFacts, nowMs: number): string {
  if (status === 'available' || status === 'busy') return '';
  if (status === 'retired') return 'it has left the fleet';
  if (status === 'offline' && !heartbeatAlive && lastHeartbeat !== undefined) {
    return `not heard for ${Math.max(0, Math.floor((nowMs - lastHeartbeat.getTime()) / 1_000))} s`;
  }
  if (statusReason !== '') return statusReason;
  if (status === 'pending') return 'its registration is being looked at';
  if (status === 'approved') return 'it may join: its agent has the command for that';
  return '';
}

/** What its owner or an operator has commanded. */
function whyCommanded({ cordoned, drained, retiring, drainUntil, status }: StateFacts): string {
  if (!cordoned || status === 'retired') return '';
  const what = retiring ? 'it leaves the fleet after its last job' : 'it takes no new jobs, by command';
  if (drained) return `${what}, and has none`;
  return drainUntil === undefined ? what : `${what}, and its jobs end at ${drainUntil.toISOString()} at the latest`;
}
