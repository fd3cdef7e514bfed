import { z } from 'zod';
import type { Config } from '../../config.js';
import type { RouteRule } from '../route.js';

const frontReply = z
  .object({
    name: z.string(),
    console: z.string().describe('For people'),
    docs: z.string().describe('For those who read'),
    openapi: z.string().describe('For programs'),
    site: z.string().describe('Facts about this broker'),
  })
  .meta({ id: 'Front' });

/** What somebody finds who knows only the address: the way to the rest. */
export function frontRoutes(config: Pick<Config, 'AUTH_AUDIENCE' | 'AUTH_TARGET_PREFIX' | 'SITE_NAME'>): RouteRule[] {
  const at = (path: string) => config.AUTH_AUDIENCE + config.AUTH_TARGET_PREFIX + path;
  const body: z.infer<typeof frontReply> = {
    name: config.SITE_NAME,
    console: at('/console/'),
    docs: at('/docs/'),
    openapi: at('/openapi.json'),
    site: at('/api/v1/site'),
  };
  return [
    {
      ...{ method: 'GET', path: '/', auth: 'none', scopes: [], limit: 'read', anyQuery: true },
      summary:
        'Where the console, the documentation and the description of this API are; browsers are sent to the console',
      responses: {
        200: { description: 'The addresses', schema: frontReply },
        302: { description: 'For browsers: the console' },
      },
      errors: [],
      handler: async (ctx) => {
        ctx.vary('accept');
        if (ctx.accepts('json', 'html') === 'html') {
          ctx.status = 302;
          // Relative to the address that the browser knows, whatever a proxy has made of it.
          ctx.set('location', 'console/');
          return;
        }
        ctx.set('cache-control', 'public, max-age=300');
        ctx.body = body;
      },
    },
  ];
}
