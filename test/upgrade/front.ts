import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** The balancer before the processes of the API: the address that customers know stays while processes come and go. */
export interface Front {
  /** Its address. */
  url: string;
  /** Leads new connections to these addresses, one after the other. */
  leadTo(...apis: string[]): void;
  close(): void;
}

export async function startFront(): Promise<Front> {
  let targets: URL[] = [];
  let next = 0;
  const server = createServer((near) => {
    const target = targets[next++ % targets.length];
    if (target === undefined) return void near.destroy();
    const far = connect(Number(target.port), target.hostname);
    near.pipe(far).pipe(near);
    for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
      socket.on('error', () => undefined);
      socket.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo(...apis) {
      targets = apis.map((api) => new URL(api));
    },
    close: () => void server.close(),
  };
}
