import type { Pool } from 'pg';
import type { z } from 'zod';
import { recordAudit } from '../../db/audit-log.js';
import { withTransaction } from '../../db/pool.js';
import { deleteSshKey, listSshKeys } from '../../db/ssh-keys.js';
import { BrokerError } from '../../domain/errors.js';
import { isUuid } from '../../domain/uuid.js';
import { actorOf } from '../audited.js';
import { keepSshKey } from '../keep-ssh-key.js';
import { principalOf } from '../principal.js';
import type { RouteRule } from '../route.js';
import { sshKeyBody, sshKeyListReply, sshKeyReply, sshKeyReplyOf } from '../schemas/ssh-key.js';

/** Public keys that a customer keeps here, so that an order names them by id. */
export function sshKeyRoutes({ pool }: { pool: Pool }): RouteRule[] {
  const changes = { auth: 'any', scopes: ['jobs:write'], limit: 'write' } as const;
  return [
    {
      method: 'GET',
      path: '/api/v1/ssh-keys',
      auth: 'any',
      scopes: ['jobs:read'],
      limit: 'read',
      summary: 'List your SSH keys',
      responses: { 200: { description: 'All of them, by name', schema: sshKeyListReply } },
      errors: [],
      handler: async (ctx) => {
        ctx.body = { keys: (await listSshKeys(pool, principalOf(ctx).wallet)).map(sshKeyReplyOf) };
      },
    },
    {
      ...changes,
      method: 'POST',
      path: '/api/v1/ssh-keys',
      summary: 'Keep a public SSH key, to name it in orders',
      request: { body: sshKeyBody },
      responses: {
        200: { description: 'You kept this key already; a new name replaces the old one', schema: sshKeyReply },
        201: { description: 'It is kept', schema: sshKeyReply },
      },
      errors: ['quota_exceeded'],
      handler: async (ctx) => {
        const { name, public_key: publicKey } = ctx.state.body as z.output<typeof sshKeyBody>;
        const { key, added } = await keepSshKey(pool, actorOf(ctx), { name, publicKey });
        ctx.status = added ? 201 : 200;
        ctx.body = sshKeyReplyOf(key);
      },
    },
    {
      ...changes,
      method: 'DELETE',
      path: '/api/v1/ssh-keys/:id',
      summary: 'Delete an SSH key; running jobs keep it',
      responses: { 204: { description: 'It is gone' } },
      errors: ['ssh_key_not_found'],
      handler: async (ctx) => {
        const actor = actorOf(ctx);
        const id = ctx.state.params['id']!.toLowerCase();
        const found =
          isUuid(id) &&
          (await withTransaction(pool, async (tx) => {
            const key = await deleteSshKey(tx, actor.actor, id);
            if (key === undefined) return false;
            const { fingerprint, name } = key;
            await recordAudit(tx, { ...actor, action: 'ssh_key.delete', target: id, detail: { fingerprint, name } });
            return true;
          }));
        if (!found) throw new BrokerError('ssh_key_not_found', 'you keep no key with this id');
        ctx.status = 204;
      },
    },
  ];
}
