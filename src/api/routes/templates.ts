import type { Config } from '../../config.js';
import { createCachedRead } from '../cached-read.js';
import { jobPolicyOf } from '../job-policy.js';
import type { RouteRule } from '../route.js';
import { templatesReply, templatesReplyOf } from '../schemas/template.js';
import { sendCached } from '../send-cached.js';

/** They change with the process only. */
const maxAgeMs = 60_000;

/** What may be ordered by a name. */
export function templateRoutes({ config }: { config: Config }): RouteRule[] {
  const cached = createCachedRead({ maxAgeMs, maxKeys: 1 });
  const reply = templatesReplyOf(jobPolicyOf(config).templates);
  return [
    {
      ...{ method: 'GET', path: '/api/v1/templates', auth: 'none', scopes: [], limit: 'read' },
      summary: 'What can be ordered by a name: images with programs, ports and needs',
      responses: { 200: { description: 'The templates whose images may be run here', schema: templatesReply } },
      errors: [],
      handler: async (ctx) => {
        await sendCached(ctx, await cached('templates', async () => reply));
      },
    },
  ];
}
