import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;
type History = proto.temporal.api.history.v1.IHistory;

/** Fields of a history that tell about the machine it was recorded on, and that no replay reads. */
const ofTheMachine = new Set(['identity', 'stackTrace', 'binaryChecksum']);

/**
 * A history as the text in which it is kept: names for enumerations, base64 for payloads. Not the format of Temporal's
 * UI and CLI: what reads that in the SDK fails where npm has installed two versions of protobufjs.
 */
export function toText(history: History): string {
  const plain = History.toObject(History.fromObject(history), { enums: String, longs: String, bytes: String });
  return JSON.stringify(plain, withoutMachine, 1);
}

function withoutMachine(field: string, value: unknown): unknown {
  if (ofTheMachine.has(field)) return undefined;
  const isSticky = (value as { kind?: unknown } | null)?.kind === 'TASK_QUEUE_KIND_STICKY';
  // A worker's own queue is named after its host.
  return isSticky ? { ...(value as object), name: 'sticky' } : value;
}

/** All histories of the folder, by the names of their files. */
export function keptHistories(): { workflowId: string; history: History }[] {
  const folder = import.meta.dirname;
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const plain = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
      return { workflowId: file.replace('.json', ''), history: History.fromObject(plain) };
    });
}
