import ssh2 from 'ssh2';
import type { Socket } from 'node:net';
import { inOpenSshForm } from './openssh-key.js';

/** What everybody reads who logs in. */
export const greeting = 'This is a simulated machine; nothing runs here.';

export interface Greeter {
  close(): void;
}

/**
 * Answers SSH at an address with a job's host key: whoever comes is let in, reads what this is, and is out again. There
 * is nothing to protect.
 *
 * @param hostKey in PEM, as the job's Secret has it.
 * @throws Error when the address cannot be listened at.
 */
export async function greetAt(host: string, port: number, hostKey: string): Promise<Greeter> {
  const sockets = new Set<Socket>();
  const server = new ssh2.Server({ hostKeys: [inOpenSshForm(hostKey)] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      const session = accept();
      session.on('pty', (acceptPty) => acceptPty?.());
      session.on('env', (acceptEnv) => acceptEnv?.());
      session.on('shell', (acceptShell) => greet(acceptShell()));
      session.on('exec', (acceptExec) => greet(acceptExec()));
    });
  });
  // The library's own list of connections has no end for one that never says anything.
  const { _srv: listener } = server as unknown as { _srv: NodeJS.EventEmitter };
  listener.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.setTimeout(60_000, () => socket.destroy());
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function greet(channel: ssh2.ServerChannel): void {
  channel.write(`${greeting}\r\n`);
  channel.exit(0);
  channel.end();
}
