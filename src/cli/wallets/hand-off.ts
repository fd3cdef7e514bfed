import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readSignAnswer, type SignAnswer } from '../../wire/sign-page.js';
import { exitCodes, Failure } from '../failure.js';

/** The life of a challenge: a later answer could not be used. */
export const handOffMs = 5 * 60_000;

export interface Listener {
  port: number;
  /** 128 bits that only the page knows. */
  path: string;
  /** @throws Failure if the person refuses in the wallet. */
  answer: Promise<SignAnswer>;
  close(): void;
}

/**
 * Waits on this computer for the one answer of the sign page. It listens on 127.0.0.1 only, answers nothing but its secret
 * path, requires the `Host` by which the page was told to come (so no name that points here does), and works once.
 */
export async function listenForAnswer(): Promise<Listener> {
  const path = `/${randomBytes(16).toString('base64url')}`;
  let settle: { resolve: (answer: SignAnswer) => void; reject: (error: Error) => void } | undefined;
  const answer = new Promise<SignAnswer>((resolve, reject) => (settle = { resolve, reject }));
  answer.catch(() => undefined);
  const server = createServer({ maxHeaderSize: 32 * 1024, headersTimeout: 10_000, requestTimeout: 10_000 });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo;
  server.on('request', (request, response) => {
    const [asked = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
    if (request.headers.host !== `127.0.0.1:${port}` || !isSame(asked, path)) return say(response, 404, 'Not found.');
    if (request.method !== 'GET') return say(response, 405, 'Only GET.');
    if (settle === undefined) return say(response, 410, 'This link was used already. You may close this page.');
    const read = readSignAnswer(query);
    if (read === undefined) return say(response, 400, 'This is no answer of the sign page. Go back and sign again.');
    const { resolve, reject } = settle;
    settle = undefined;
    if ('refused' in read) {
      say(response, 200, 'Nothing was signed. You may close this page.');
      reject(new Failure(exitCodes.notLoggedIn, 'the wallet refused to sign, so nothing has changed'));
    } else {
      say(response, 200, 'Done. You may close this page and go back to your terminal.');
      resolve(read);
    }
  });
  return { port, path, answer, close: () => closeSoon(server) };
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function say(response: ServerResponse<IncomingMessage>, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(`<!doctype html><html lang="en"><title>wl</title><p>${text}</p></html>\n`);
}

/** The page of the answer is still on its way. */
function closeSoon(server: Server): void {
  server.close();
  setTimeout(() => server.closeAllConnections(), 500).unref();
}
