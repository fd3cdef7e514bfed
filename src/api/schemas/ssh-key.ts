import { z } from 'zod';
import type { SshKey } from '../../db/ssh-keys.js';
import { printableText } from '../../domain/printable.js';
import { parseSshPublicKey } from '../../domain/ssh-key.js';

export const sshKeyReply = z
  .object({
    key_id: z.uuid(),
    name: z.string(),
    public_key: z.string(),
    fingerprint: z.string().describe('As `ssh-keygen -l` prints it: `SHA256:…`'),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'SshKey' });

export const sshKeyListReply = z.object({ keys: z.array(sshKeyReply) }).meta({ id: 'SshKeyList' });

/** As long as a label may be. */
export const maxNameLength = 64;

export const sshKeyBody = z
  .strictObject({
    name: printableText(maxNameLength)
      .trim()
      .min(1)
      .optional()
      .describe('Among your keys; if absent, the comment of the key'),
    public_key: z
      .string()
      .transform((text, context) => {
        try {
          return parseSshPublicKey(text).line;
        } catch (error) {
          context.addIssue({ code: 'custom', message: (error as Error).message });
          return z.NEVER;
        }
      })
      .describe('One line of an `id_….pub` file'),
  })
  .meta({
    inputExamples: [
      {
        name: 'laptop',
        public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@laptop',
      },
    ],
  });

export function sshKeyReplyOf(key: SshKey): z.infer<typeof sshKeyReply> {
  return {
    key_id: key.keyId,
    name: key.name,
    public_key: key.publicKey,
    fingerprint: key.fingerprint,
    created_at: key.createdAt.toISOString(),
  };
}
