import { randomBytes } from 'node:crypto';

/** A valid Ed25519 public key for authorized_keys; by default one that nobody else has. */
export function ed25519Key(bytes: Buffer = randomBytes(32)): string {
  const type = 'ssh-ed25519';
  const part = (value: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, value.length]), value]);
  return `${type} ${Buffer.concat([part(Buffer.from(type)), part(bytes)]).toString('base64')}`;
}
