import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createPlain, type RequestListener } from 'node:http';
import { createServer as createTls } from 'node:https';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseImage } from '../../src/domain/image.js';
import { createImageResolver } from '../../src/registry/resolver.js';
import { certificateAuthority } from '../support/certificates.js';

/** The first byte of a connection that begins with TLS. */
const tlsHandshake = 0x16;

test('a login is not given to whoever asks for one after a redirect to another origin', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'redirects-'));
  const authority = certificateAuthority(folder);
  const { cert, key } = authority.issue('registry', 'IP:127.0.0.1');
  const sent: [string, string | undefined][] = [];
  const wantsLogin = { 'www-authenticate': 'Basic realm="x"' };
  let host = '';
  const plain: RequestListener = ({ headers: { authorization }, url }, response) => {
    sent.push(['plain', authorization]);
    if (authorization === undefined) response.writeHead(401, wantsLogin).end();
    else response.writeHead(307, { location: `https://${host}${url}` }).end();
  };
  const other: RequestListener = ({ headers: { authorization } }, response) => {
    sent.push(['other', authorization]);
    response.writeHead(401, wantsLogin).end();
  };
  const servers = [createPlain(plain), createTls({ cert, key }, other)].map((server) => server.listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  // Both answer at one port, so that the settings let the broker follow.
  const both = createServer((socket) => {
    socket.once('data', (bytes: Buffer) => {
      const { port } = servers[bytes[0] === tlsHandshake ? 1 : 0]!.address() as AddressInfo;
      const behind = connect(port, '127.0.0.1');
      behind.write(bytes);
      socket.pipe(behind).pipe(socket);
      for (const end of [socket, behind]) end.on('error', () => socket.destroy()).on('close', () => behind.destroy());
    });
  }).listen(0, '127.0.0.1');
  await once(both, 'listening');
  host = `127.0.0.1:${(both.address() as AddressInfo).port}`;
  try {
    const resolver = createImageResolver({
      ...{ plain: [host], isNamed: () => true, ca: authority.ca, patienceMs: 4_000 },
    });
    const auth = { username: 'robot', password: 'only for tests' };
    const resolution = await resolver.resolve({ image: parseImage(`${host}/a/b:1`), architecture: 'amd64', auth });
    expect(resolution).toMatchObject({ kind: 'unknown', silence: 'nonsense' });
    const basic = expect.stringMatching(/^Basic /);
    expect(sent).toEqual([
      ['plain', undefined],
      ['plain', basic],
      ['other', undefined],
    ]);
  } finally {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    both.close();
    rmSync(folder, { recursive: true });
  }
});
