import { get } from 'node:http';
import { get as getTls } from 'node:https';
import { connect } from 'node:net';

const timeoutMs = 2_000;

export interface HttpProbe {
  /** The CA that must have signed the certificate; without one, any certificate is accepted. */
  ca?: string;
}

/** Rejects unless a GET of the address answers 200. */
export function answersOk(url: string, { ca }: HttpProbe = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const tls = url.startsWith('https:');
    const options = { timeout: timeoutMs, agent: false as const };
    const request = tls
      ? getTls(url, { ...options, ...(ca === undefined ? { rejectUnauthorized: false } : { ca }) })
      : get(url, options);
    request
      .once('response', (response) => {
        response.resume();
        if (response.statusCode === 200) resolve();
        else reject(new Error(`status ${response.statusCode}`));
      })
      .once('timeout', () => request.destroy(new Error('no answer')))
      .once('error', reject);
  });
}

/** Rejects unless a line sent to a loopback port is answered with that text. */
export function repliesTo(port: number, line: string, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(`${line}\r\n`));
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject).once('close', () => reject(new Error('closed')));
    socket.once('data', (data) => {
      if (data.toString().startsWith(expected)) resolve();
      else reject(new Error(data.toString()));
      socket.destroy();
    });
  });
}
