import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The balancer before the processes of the API: the address that customers know stays while processes come and go. */
export interface Front {
  /** Its address. */
  url: string;
  /** Leads requests to these addresses, one after the other. */
  leadTo(...apis: string[]): void;
  close(): void;
}

export async function startFront(): Promise<Front> {
  let targets: URL[] = [];
  let asked = 0;
  // A connection for each request: one that is kept would lead to a process that is gone.
  const agent = new Agent({ keepAlive: false });
  const server = createServer((incoming, reply) => {
    const { hostname, port } = targets[asked++ % targets.length]!;
    const { method, url: path, headers } = incoming;
    const outgoing = request({ agent, hostname, port, method, path, headers }, (answer) => {
      reply.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(reply);
    });
    outgoing.on('error', () => reply.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo(...apis) {
      targets = apis.map((api) => new URL(api));
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
