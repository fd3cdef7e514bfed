import { randomBytes } from 'node:crypto';

/**
 * A UUID of version 7 (RFC 9562). It begins with the time, so that new rows are adjacent in an index, and ends in 74
 * random bits, so that nobody can guess another job's id.
 */
export function newJobId(nowMs = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
