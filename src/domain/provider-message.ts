import { readHeartbeat } from './heartbeat.js';
import { capacityUpdateSchema, registrationSchema } from './registration.js';
import { describeProblems } from './wire.js';
import type { ProviderMessageKind } from '../wire/provider-messages.js';

/** Checks a message as the stream's reader will, and returns its claimed sender or the problem. */
export function senderOf(kind: ProviderMessageKind, data: string): { providerId: string } | { problem: string } {
  if (kind === 'heartbeat') {
    const read = readHeartbeat(data);
    return typeof read === 'string' ? { problem: read } : { providerId: read.providerId };
  }
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return { problem: 'data is not JSON' };
  }
  const schema = kind === 'registration' ? registrationSchema : capacityUpdateSchema;
  const parsed = schema.safeParse(json);
  return parsed.success ? { providerId: parsed.data.providerId } : { problem: describeProblems(parsed.error) };
}
