import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** The health of each part that a process needs or runs; `detail` explains a failure. */
export type Readiness = Record<string, { ok: boolean; detail?: string }>;

export interface MetricsListener {
  readonly address: AddressInfo;
  stop(): Promise<void>;
}

/**
 * Serves the metrics, liveness and readiness of a process of any role on a separate listener, which requires no
 * credentials and must not be reachable by the public.
 */
export async function startMetricsListener(
  { METRICS_HOST, METRICS_PORT }: { METRICS_HOST: string; METRICS_PORT: number },
  registry: Registry,
  readiness: () => Promise<Readiness>,
): Promise<MetricsListener> {
  const answers: Record<string, () => Promise<{ status: number; type: string; body: string }>> = {
    '/metrics': async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
    '/health': async () => ({ status: 200, type: 'application/json', body: '{"status":"ok"}' }),
    '/ready': async () => {
      const parts = await readiness();
      const ready = Object.values(parts).every(({ ok }) => ok);
      const body = JSON.stringify({ status: ready ? 'ready' : 'not_ready', dependencies: parts });
      return { status: ready ? 200 : 503, type: 'application/json', body };
    },
  };
  const server = createServer((request, response) => {
    const answer = request.method === 'GET' ? answers[(request.url ?? '').split('?')[0]!] : undefined;
    if (answer === undefined) {
      response.writeHead(404).end();
      return;
    }
    answer().then(
      ({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(METRICS_PORT, METRICS_HOST, resolve);
  });
  return { address: server.address() as AddressInfo, stop: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
