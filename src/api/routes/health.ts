import { z } from 'zod';
import type { RouteRule } from '../route.js';

interface DependencyHealth {
  ok: boolean;
  detail?: string;
}

/** Checks each dependency; never rejects, and resolves within a second or two. */
export type Health = () => Promise<Record<string, DependencyHealth>>;

const liveness = z.object({ status: z.literal('ok'), server_time: z.int().describe('Unix seconds') });
const readiness = z.object({
  status: z.enum(['ready', 'not_ready']),
  dependencies: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
});

/** Liveness checks no other system: while Postgres is down, restarting a process that answers helps nobody. */
export function healthRoutes(health: Health): RouteRule[] {
  const open = { method: 'GET', auth: 'none', scopes: [], limit: 'read', errors: [], anyQuery: true } as const;
  return [
    {
      ...open,
      path: '/health',
      summary: 'Whether the process responds',
      responses: { 200: { description: 'It responds', schema: liveness } },
      errors: [],
      handler: async (ctx) => {
        ctx.set('cache-control', 'no-store');
        ctx.body = { status: 'ok', server_time: Math.floor(Date.now() / 1000) };
      },
    },
    {
      ...open,
      path: '/ready',
      summary: 'Whether each system that the API needs responds, by name',
      responses: {
        200: { description: 'All of them respond', schema: readiness },
        503: { description: 'At least one does not respond', schema: readiness },
      },
      errors: [],
      handler: async (ctx) => {
        const dependencies = await health();
        const ready = Object.values(dependencies).every(({ ok }) => ok);
        ctx.set('cache-control', 'no-store');
        ctx.status = ready ? 200 : 503;
        ctx.body = { status: ready ? 'ready' : 'not_ready', dependencies };
      },
    },
  ];
}
