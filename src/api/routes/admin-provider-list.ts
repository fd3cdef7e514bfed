import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config } from '../../config.js';
import { listAnyProviders, type ProviderToAdmit } from '../../db/admin-providers.js';
import { sentence } from '../../domain/outside.js';
import { providerWorkflowId } from '../../domain/provider.js';
import { providerStatuses } from '../../wire/statuses.js';
import type { RouteRule } from '../route.js';
import { pageQuery } from '../schemas/page.js';
import { providerReply, providerReplyOf } from '../schemas/provider.js';
import { workflowLink } from '../workflow-link.js';

const query = pageQuery.extend({
  status: z.enum(providerStatuses).optional().describe('`pending` lists those that wait to join'),
});

const adminProviderReply = providerReply
  .extend({
    approval_needed: z.boolean().describe('Its owner or an operator has to approve it before it may join'),
    state_reason: z.string().optional().describe('What it waits for, or why it is not in service'),
    join_token_expires_at: z.iso.datetime().optional().describe('While a join command is valid'),
    agent_version: z.string().optional(),
    blocked: z.object({ reason: z.string(), until: z.iso.datetime().nullable() }).optional(),
    workflow_url: z.string().optional(),
  })
  .meta({ id: 'AdminProvider' });
const listReply = z
  .object({
    providers: z.array(adminProviderReply),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'AdminProviders' });

interface AdminProviderListDeps {
  config: Config;
  pool: Pool;
}

/** All providers, those that wait and those that have left too. */
export function adminProviderListRoutes({ config, pool }: AdminProviderListDeps): RouteRule[] {
  return [
    {
      ...{ method: 'GET', auth: 'signed', scopes: ['admin'], limit: 'read' },
      path: '/api/v1/admin/providers',
      summary: 'List all providers, and what those wait for that are not in service',
      request: { query },
      responses: { 200: { description: 'One page', schema: listReply } },
      errors: [],
      handler: async (ctx) => {
        const page = await listAnyProviders(pool, ctx.state.query as z.output<typeof query>, config);
        ctx.body = {
          providers: page.providers.map((found) => adminProviderReplyOf(found, config)),
          count: page.providers.length,
          ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        } satisfies z.infer<typeof listReply>;
      },
    },
  ];
}

function adminProviderReplyOf(found: ProviderToAdmit, config: Config): z.infer<typeof adminProviderReply> {
  const { provider, signs, isApproved, joinTokenExpiresAt, agentVersion, blocked } = found;
  const approvalNeeded = config.PROVIDER_AUTH_MODE === 'permissive' && !signs && !isApproved;
  const reason = approvalNeeded ? 'its owner or an operator has to approve it' : provider.statusReason;
  return {
    ...providerReplyOf(provider, config),
    approval_needed: approvalNeeded,
    ...(reason === '' ? {} : { state_reason: sentence(reason) }),
    ...(joinTokenExpiresAt === undefined ? {} : { join_token_expires_at: joinTokenExpiresAt.toISOString() }),
    ...(agentVersion === undefined ? {} : { agent_version: agentVersion }),
    ...(blocked === undefined
      ? {}
      : { blocked: { reason: blocked.reason, until: blocked.until?.toISOString() ?? null } }),
    ...workflowLink(config, providerWorkflowId(provider.providerId)),
  };
}
