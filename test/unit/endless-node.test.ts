import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { createRpcs } from '../../src/chain/rpc.js';

// A node answers what it likes: neither the memory nor the time of whoever asks is its own.

const mebibyte = Buffer.alloc(1024 * 1024, 0x20);

async function asking(answer: RequestListener, timeoutMs = 20_000) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const [rpc] = createRpcs({
    ...{ rpcUrls: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`], chainId: 1, timeoutMs },
  });
  const began = Date.now();
  const failure = await rpc!.client.getBlockNumber().then(String, String);
  const tookMs = Date.now() - began;
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return { failure, tookMs, asked };
}

function endless(most = Infinity) {
  const sent = { mebibytes: 0 };
  const body = Readable.from(
    (function* () {
      for (; sent.mebibytes < most; sent.mebibytes++) yield mebibyte;
    })(),
  );
  return { sent, body };
}

test('an endless answer is given up once it is longer than any that is needed', async () => {
  const { sent, body } = endless();
  const { failure, asked } = await asking((_request, response) => void pipeline(body, response, () => undefined));
  expect(failure).toMatch(/does not answer/);
  expect(asked[0]!.headers['accept-encoding']).toBe('identity');
  expect(sent.mebibytes).toBeLessThan(100);
});

test('one that is compressed, although nobody asked for it, is as long as what it holds', async () => {
  const { sent, body } = endless(2_000);
  const { failure } = await asking((_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    pipeline(body, createGzip(), response, () => undefined);
  });
  expect(failure).toMatch(/does not answer/);
  expect(sent.mebibytes).toBeLessThan(2_000);
});

test('one that comes byte by byte is given up in time', async () => {
  const { failure, tookMs } = await asking((_request, response) => {
    const drops = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drops));
  }, 300);
  expect(failure).toMatch(/does not answer/);
  expect(tookMs).toBeLessThan(5_000);
});
