import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeCursor } from '../../src/db/cursor.js';
import { rawClient } from '../fuzz/raw-client.js';
import { exchange, rawConnection, type RawConnection } from '../support/raw-http.js';
import { startTriedApi, type TriedApi } from '../support/tried-api.js';

/** The default limits. */
const usual = { RATE_LIMIT_PER_IP: '600', RATE_LIMIT_AUTH_FAILURES: '30', RATE_LIMIT_READS: '300' };

let tried: TriedApi;
let port: number;
let token: string;
beforeAll(async () => {
  tried = await startTriedApi(usual);
  port = Number(new URL(tried.api.url).port);
  const { authorization } = await tried.credential({ auth: 'any' } as Parameters<TriedApi['credential']>[0], '', '');
  token = authorization!;
});
afterAll(() => tried?.stop());

const ask = (target: string, authorization: string, more = '') =>
  `GET ${target} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n${more}connection: close\r\n\r\n`;
const problemOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { code: string };

test.each([31, 3_000])(
  '%i wrong tokens from an address keep out nobody there who has a good one',
  async (count) => {
    let sent = 0;
    const statuses = new Set<number | string>();
    const guesser = async () => {
      const line = rawClient(port);
      while (sent++ < count) {
        const wrong = `Bearer wlb_${String(sent).padStart(43, 'x')}`;
        statuses.add(
          (await line.send(`GET /api/v1/auth/me HTTP/1.1\r\nhost: x\r\nauthorization: ${wrong}\r\n\r\n`, none)).status,
        );
      }
      line.close();
    };
    await Promise.all(Array.from({ length: 8 }, guesser));
    expect(statuses).toContain(429);
    for (let at = 0; at < 3; at++) {
      expect(await exchange(port, ask('/api/v1/auth/me', token))).toMatch(/^HTTP\/1\.1 200 /);
      expect(await exchange(port, ask('/api/v1/providers', token))).toMatch(/^HTTP\/1\.1 200 /);
    }
    // Guesses still get no information.
    const refused = await exchange(port, ask('/api/v1/auth/me', `Bearer wlb_${'x'.repeat(43)}`));
    expect(refused).toMatch(/^HTTP\/1\.1 429 [^]*\r\nretry-after: \d+\r\n/i);
  },
  120_000,
);
const none = Buffer.alloc(0);

test('idle connections from one address keep out nobody, there or elsewhere', async () => {
  const idle: RawConnection[] = [];
  for (let at = 0; at < 2_100; at += 100) {
    idle.push(...(await Promise.all(Array.from({ length: 100 }, () => rawConnection(port, '127.0.0.2')))));
  }
  expect(await exchange(port, ask('/api/v1/auth/me', token), '127.0.0.2')).toMatch(/^HTTP\/1\.1 200 /);
  expect(await exchange(port, ask('/api/v1/auth/me', token))).toMatch(/^HTTP\/1\.1 200 /);
  for (const { socket } of idle) socket.destroy();
}, 60_000);

test.each([
  ['2026-02-31T00:00:00.000Z', '00000000-0000-7000-8000-000000000000'],
  ['infinity', '00000000-0000-7000-8000-000000000000'],
  ['+275760-09-13T00:00:00.000Z', '00000000-0000-7000-8000-000000000000'],
  ['2026-01-01T00:00:00.000Z', '\0'],
  ['2026-01-01T00:00:00.000Z', '\ud800'],
])('a cursor with %j and %j in it is refused as the client’s mistake', async (time, id) => {
  for (const target of ['/api/v1/jobs', '/api/v1/providers']) {
    const answer = await exchange(port, ask(`${target}?cursor=${encodeCursor(time, id)}`, token));
    expect(answer).toMatch(/^HTTP\/1\.1 422 /);
    expect(problemOf(answer).code).toBe('validation_failed');
  }
});

test.each(['0x7f.0x1/a', '0177.1/a', 'reg.lan/a', '10.0.0.1.nip.io/a', 'reg.home.arpa/a'])(
  'an order of the image %s is refused',
  async (image) => {
    const body = JSON.stringify({ image, ssh_public_keys: ['ssh-ed25519 AAAA'] });
    const answer = await exchange(
      port,
      `POST /api/v1/jobs HTTP/1.1\r\nhost: x\r\nauthorization: ${token}\r\ncontent-type: application/json\r\n` +
        `connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 422 /);
    expect(answer).toContain('is in a registry whose host');
  },
);
