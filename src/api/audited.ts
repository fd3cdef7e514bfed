import { failedAudit, recordAudit, type AuditActor, type AuditEntry } from '../db/audit-log.js';
import type { Queryable } from '../db/pool.js';
import { BrokerError } from '../domain/errors.js';
import { principalOf } from './principal.js';
import type { ApiContext } from './route.js';

/**
 * The caller as the audit log names it.
 *
 * @throws BrokerError `auth_required` on a route that also admits unknown callers.
 */
export function actorOf(ctx: ApiContext): AuditActor {
  const { wallet, sessionId } = principalOf(ctx);
  return { actor: wallet, sessionId, ...sourceOf(ctx) };
}

/** Where a request comes from, for the rows of those who have no session. */
export function sourceOf(ctx: ApiContext): Pick<AuditActor, 'ip' | 'requestId'> {
  // A proxy may pass on what is no address; what it is must not keep the change from being made.
  return { ip: ctx.state.ip.slice(0, 64), requestId: ctx.state.requestId };
}

/**
 * Runs a command whose effect is outside Postgres, which no transaction can hold together with its row. The row comes
 * first, so that no effect is without one; if the command fails, its row says with which code, because it may have
 * had an effect all the same.
 */
export async function auditedCommand<T>(db: Queryable, entry: AuditEntry, command: () => Promise<T>): Promise<T> {
  const id = await recordAudit(db, entry);
  try {
    return await command();
  } catch (error) {
    // The command's own error is what the caller has to learn.
    await failedAudit(db, id, error instanceof BrokerError ? error.code : 'internal_error').catch(() => undefined);
    throw error;
  }
}
