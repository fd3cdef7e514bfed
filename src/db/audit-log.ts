import { decodeCursor, encodeCursor } from './cursor.js';
import { storableJson } from './json.js';
import type { Queryable } from './pool.js';
import { removeOld } from './pruning.js';

/** Who changes something, and with which request; `actorOf` of the API makes it. */
export interface AuditActor {
  /** Wallet, in lower case. */
  actor: string;
  /** Absent if the request itself proved its sender, without a session. */
  sessionId?: string;
  /** Client address, as the API sees it. */
  ip: string;
  requestId: string;
}

/** A change by an operator or an owner. */
export interface AuditEntry extends AuditActor {
  /** Subject and verb: `provider.drain`. */
  action: string;
  /** Id of what is changed. */
  target: string;
  /** Never a secret: operators read it, and it is kept for long. Snake case, as in JSON. */
  detail?: Readonly<Record<string, unknown>>;
}

/**
 * Records a change. Call it in the transaction that makes the change: then there is no change without its row, and no
 * row without its change. A change that Temporal makes is recorded by `auditedCommand`.
 *
 * @returns the id of the row.
 */
export async function recordAudit(db: Queryable, entry: AuditEntry): Promise<string> {
  const { actor, sessionId, ip, requestId, action, target, detail = {} } = entry;
  const { rows } = await db.query<{ id: string }>(
    `insert into audit_log (actor, session_id, ip, action, target, detail, request_id)
     values ($1, $2, $3, $4, $5, $6, $7) returning id::text`,
    [actor, sessionId ?? null, ip, action, target, storableJson(detail), requestId],
  );
  return rows[0]!.id;
}

/** Adds to a row that what it records failed, and with which code; it may have had an effect all the same. */
export async function failedAudit(db: Queryable, id: string, code: string): Promise<void> {
  await db.query(`update audit_log set detail = detail || jsonb_build_object('failed', $2::text) where id = $1`, [
    id,
    code,
  ]);
}

/** Removes rows from before `before`, the oldest first. @returns how many. */
export async function pruneAudit(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    'delete from audit_log where id in (select id from audit_log where at < $1 order by at limit $2)',
    before,
  );
}

/** A row as an operator reads it. */
export interface AuditRow {
  id: string;
  at: Date;
  actor: string;
  sessionId?: string;
  ip: string;
  action: string;
  target: string;
  detail: Record<string, unknown>;
  requestId: string;
}

/**
 * Rows, newest first.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listAudit(
  db: Queryable,
  filter: {
    actor?: string | undefined;
    target?: string | undefined;
    action?: string | undefined;
    limit: number;
    cursor?: string | undefined;
  },
): Promise<{ items: AuditRow[]; nextCursor?: string }> {
  const { actor, target, action, limit, cursor } = filter;
  const [before] = cursor === undefined ? [] : decodeCursor(cursor, (part) => /^\d{1,18}$/.test(part));
  const { rows } = await db.query<{
    id: string;
    at: Date;
    actor: string;
    session_id: string | null;
    ip: string;
    action: string;
    target: string;
    detail: Record<string, unknown>;
    request_id: string;
  }>(
    `select l.id::text, l.at, l.actor, l.session_id, l.ip, l.action, l.target, l.detail, l.request_id
       from audit_log l
      where ($1::text is null or l.actor = $1) and ($2::text is null or l.target = $2)
        and ($3::text is null or l.action = $3) and ($4::bigint is null or l.id < $4)
      order by l.id desc limit $5`,
    [actor ?? null, target ?? null, action ?? null, before ?? null, limit + 1],
  );
  const items = rows.slice(0, limit).map((row) => ({
    ...{ id: row.id, at: row.at, actor: row.actor, ip: row.ip, action: row.action, target: row.target },
    ...{ detail: row.detail, requestId: row.request_id },
    ...(row.session_id === null ? {} : { sessionId: row.session_id }),
  }));
  const last = items.at(-1);
  return { items, ...(rows.length > limit && last !== undefined ? { nextCursor: encodeCursor(last.id) } : {}) };
}
