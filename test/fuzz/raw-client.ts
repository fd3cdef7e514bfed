import { connect, type Socket } from 'node:net';

/** The result: a status, or the end of the connection without one. */
type RawStatus = number | 'closed';

/** Sends requests that no client library would send, one after the other, and reconnects if the connection breaks. */
export function rawClient(port: number) {
  let socket: Socket | undefined;
  let received = Buffer.alloc(0);
  let heard: () => void = () => undefined;

  function open(): Socket {
    received = Buffer.alloc(0);
    const opened = connect(port, '127.0.0.1');
    opened.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      heard();
    });
    opened.on('error', () => undefined);
    opened.on('close', () => {
      if (socket === opened) socket = undefined;
      heard();
    });
    return opened;
  }

  return {
    async send(head: string, body: Buffer): Promise<{ status: RawStatus; text: string }> {
      socket ??= open();
      const asked = socket;
      received = Buffer.alloc(0);
      asked.write(Buffer.concat([Buffer.from(head, 'latin1'), body]));
      for (;;) {
        const answer = answerIn(received);
        if (answer !== undefined) {
          if (answer.closes) {
            socket = undefined;
            asked.destroy();
          }
          return answer;
        }
        if (socket !== asked) return { status: 'closed', text: '' };
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => asked.destroy(), 20_000);
          heard = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    close: () => socket?.destroy(),
  };
}

function answerIn(bytes: Buffer): { status: number; text: string; closes: boolean } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = bytes.subarray(0, end).toString('latin1');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? NaN);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  const body = bytes.subarray(end + 4);
  if (body.length < length) return undefined;
  return { status, text: body.toString(), closes: /\r\nconnection: close/i.test(head) };
}
