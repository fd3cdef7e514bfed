import { afterEach, expect, jest, test } from '@jest/globals';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import ssh2 from 'ssh2';
import { inOpenSshForm } from '../../engines/simulated-provider/openssh-key.js';
import { newSshHostKey, publicSshHostKey } from '../../src/kubernetes/ssh-host-key.js';
import { lookAt, type LookTarget } from '../../src/ssh/look.js';

jest.setTimeout(30_000);

const own = newSshHostKey();
const opened = ['127.0.0.0/8'];
const servers: { close(closed: () => void): unknown }[] = [];
const sockets = new Set<Socket>();
const clients = new Set<{ end(): unknown }>();

/** What a server still has to do with a connection would happen to the next test. */
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const client of clients) client.end();
  clients.clear();
  await Promise.all(servers.splice(0).map((server) => new Promise<void>((closed) => server.close(() => closed()))));
});

async function listening(server: Server | ssh2.Server): Promise<number> {
  servers.push(server);
  if (server instanceof ssh2.Server) server.on('connection', (client) => void clients.add(client));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A server that does with each connection what it likes. */
const hostile = (answer: (socket: Socket) => void) =>
  listening(
    createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      answer(socket);
    }),
  );

interface Heard {
  idents: string[];
  logins: number;
}

/** ssh2's own server, with a key. */
async function sshServer(key: string, heard: Heard = { idents: [], logins: 0 }): Promise<number> {
  const server = new ssh2.Server({ hostKeys: [inOpenSshForm(key)] }, (client, { header }) => {
    heard.idents.push(header.versions.software);
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      heard.logins += 1;
      context.reject();
    });
  });
  return await listening(server);
}

const look = (port: number, more: Partial<LookTarget> = {}) =>
  lookAt({
    ...{ host: '127.0.0.1', port, hostKey: publicSshHostKey(own), ident: 'test_look', opened, timeoutMs: 5_000 },
    ...more,
  });

test('a server with the job’s key is seen, hears who looks, and is asked for no login', async () => {
  const heard: Heard = { idents: [], logins: 0 };
  const port = await sshServer(own, heard);
  expect(await look(port)).toEqual({ kind: 'own_key' });
  expect(heard).toEqual({ idents: ['test_look'], logins: 0 });
});

test('a server with another key is told from the job’s', async () => {
  expect(await look(await sshServer(newSshHostKey()))).toEqual({ kind: 'other_key' });
});

test.each<[string, (socket: Socket) => void, RegExp]>([
  ['that says nothing', () => undefined, /in time/],
  ['that hangs after its banner', (socket) => void socket.write('SSH-2.0-worldland\r\n'), /in time/],
  ['that drips a byte at a time', (socket) => drip(socket), /in time/],
  ['whose banner never ends', (socket) => flood(socket, 'x'.repeat(1_000)), /too much|as jobs do/],
  [
    'whose lines before the banner never end',
    (socket) => flood(socket, 'hello\r\n'.repeat(100)),
    /too much|as jobs do/,
  ],
  [
    'whose packets are larger than any',
    (socket) => void socket.write(Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.alloc(40_000, 0xff)])),
    /too much|as jobs do/,
  ],
  ['that speaks HTTP', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /hangs up|as jobs do/],
  ['that hangs up', (socket) => void socket.destroy(), /hangs up/],
])('a server %s is silent', async (_, answer, why) => {
  const found = await look(await hostile(answer), { timeoutMs: 1_500 });
  expect(found).toEqual({ kind: 'silent', why: expect.stringMatching(why) });
});

test('a server that has keys exchanged again and again is silent', async () => {
  let exchanges = 0;
  const server = new ssh2.Server({ hostKeys: [inOpenSshForm(own)] }, (client) => {
    client.on('error', () => undefined);
    client.on('handshake', () => {
      exchanges += 1;
      if (exchanges < 100) client.rekey();
    });
  });
  expect(await look(await listening(server))).toEqual({ kind: 'silent', why: 'it does not speak SSH as jobs do' });
  expect(exchanges).toBeLessThan(4);
});

test('a key that is only shown, without a proof that the server has it, is no answer', async () => {
  const real = await sshServer(own);
  const port = await hostile((socket) => relayWithBrokenProof(socket, real));
  expect(await look(port)).toMatchObject({ kind: 'silent' });
});

test('a port at which nobody listens is silent, because it refuses the connection', async () => {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  servers.length = 0;
  expect(await look(port)).toEqual({ kind: 'silent', why: 'the connection is refused' });
});

test('a closed address is not connected to, whatever listens there', async () => {
  let connections = 0;
  const port = await hostile(() => void (connections += 1));
  for (const host of ['127.0.0.1', '::ffff:127.0.0.1', 'localhost']) {
    expect(await look(port, { host, opened: [] })).toMatchObject({ kind: 'closed' });
  }
  expect(connections).toBe(0);
});

test('a look that is given up ends at once', async () => {
  const port = await hostile(() => undefined);
  const given = new AbortController();
  const looking = look(port, { signal: given.signal, timeoutMs: 60_000 });
  given.abort();
  expect(await looking).toMatchObject({ kind: 'silent' });
});

function drip(socket: Socket): void {
  const dripping = setInterval(() => socket.write('a'), 20);
  socket.on('close', () => clearInterval(dripping));
}

function flood(socket: Socket, text: string): void {
  const flooding = setInterval(() => socket.write(text), 1);
  socket.on('close', () => clearInterval(flooding));
}

/** Passes everything on, and changes the last bytes of what has the server's signature. */
function relayWithBrokenProof(socket: Socket, port: number): void {
  // 31 is the server's part of the exchange: its key, its half of the secret and the signature.
  const upstream = connect(port, '127.0.0.1');
  sockets.add(upstream);
  upstream.on('error', () => undefined);
  socket.pipe(upstream);
  upstream.on('data', (data: Buffer) => {
    const at = data.lastIndexOf(Buffer.from('ssh-ed25519'));
    if (at > 0 && data.includes(Buffer.from(publicSshHostKey(own).split(' ')[1]!, 'base64'))) data[at + 20]! ^= 1;
    socket.write(data);
  });
}
