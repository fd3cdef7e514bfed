import type { Pool } from 'pg';
import { z } from 'zod';
import { namespacesOf, tenantsAmong, walletInName } from '../../db/tenants.js';
import { validationFailed } from '../problem.js';
import type { RouteRule } from '../route.js';
import { address } from '../../wire/shapes.js';

const query = z.object({
  wallet: address.optional().describe('The wallet whose namespaces to list'),
  namespace: z
    .string()
    .regex(/^tenant-(?:0x)?[0-9a-f]{1,50}$/, 'must be the name of a tenant: tenant- and hex digits')
    .optional()
    .describe('The namespace whose wallet to find'),
});

const reply = z.object({
  tenants: z.array(z.object({ namespace: z.string(), wallet: z.string() })),
});

/** A namespace's name says nothing about the customer, so operators look tenants up here. */
export function adminTenantRoutes({ pool }: { pool: Pool }): RouteRule[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/admin/tenants',
      auth: 'signed',
      scopes: ['admin'],
      limit: 'read',
      summary: 'Find the namespaces of a wallet, or the wallet of a namespace',
      request: { query },
      responses: {
        200: { description: 'The matches; an empty list for an unknown wallet or namespace', schema: reply },
      },
      errors: [],
      handler: async (ctx) => {
        const { wallet, namespace } = ctx.state.query as z.output<typeof query>;
        if ((wallet === undefined) === (namespace === undefined)) {
          throw validationFailed([{ field: 'wallet', message: 'give either wallet or namespace' }]);
        }
        const tenants = wallet === undefined ? await ownerOf(namespace!) : await tenantsOf(wallet);
        ctx.body = { tenants } satisfies z.infer<typeof reply>;
      },
    },
  ];

  async function tenantsOf(wallet: string) {
    return (await namespacesOf(pool, wallet)).map((namespace) => ({ namespace, wallet }));
  }

  async function ownerOf(namespace: string) {
    const wallet = (await tenantsAmong(pool, [namespace])).get(namespace) ?? walletInName(namespace);
    return wallet === undefined ? [] : [{ namespace, wallet }];
  }
}
