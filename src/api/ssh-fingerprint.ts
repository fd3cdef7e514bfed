import { createHash } from 'node:crypto';

/** As `ssh-keygen -l` prints it: SHA-256 of the key's bytes, in base64 without padding. */
export function sshFingerprint(publicKey: string): string {
  const bytes = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
}
