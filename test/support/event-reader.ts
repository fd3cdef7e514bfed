import { connect, type Socket } from 'node:net';

/** An event as a stream sends it. */
export interface ReadEvent {
  id: number;
  event: string;
  // Tests read events untyped: a wrong shape fails the expectation.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}

export interface EventReader {
  status: number;
  /** All events so far. */
  events: ReadEvent[];
  /** Lines that are no events: how often the connection showed that it lives. */
  comments: () => number;
  /** Resolves when the connection is over. */
  closed: Promise<void>;
  /** Stops taking what comes, and goes on. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Opens a stream on a socket of its own, so that a test can be a slow client. Resolves with the head of the response. */
export async function readEvents(url: string, headers: Record<string, string>): Promise<EventReader> {
  const { hostname, port, pathname, search } = new URL(url);
  const lines = Object.entries({ accept: 'text/event-stream', host: hostname, ...headers });
  const socket: Socket = connect(Number(port), hostname);
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`);
  const events: ReadEvent[] = [];
  let comments = 0;
  let raw = '';
  let text = '';
  const reader: EventReader = {
    status: 0,
    events,
    comments: () => comments,
    closed: new Promise((resolve) => socket.on('close', () => resolve())),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
  };
  socket.on('error', () => undefined);
  return await new Promise((resolve, reject) => {
    socket.on('close', () => (reader.status === 0 ? reject(new Error('no response')) : undefined));
    socket.on('data', (bytes: Buffer) => {
      raw += bytes.toString('utf8');
      if (reader.status === 0) {
        const end = raw.indexOf('\r\n\r\n');
        if (end < 0) return;
        reader.status = Number(raw.slice(9, 12));
        raw = raw.slice(end + 4);
        // What is no stream ends with its response.
        if (reader.status !== 200) socket.end();
        resolve(reader);
      }
      takeChunks();
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        take(text.slice(0, end));
        text = text.slice(end + 2);
      }
    });
  });

  function takeChunks(): void {
    for (;;) {
      const size = /^([0-9a-f]+)\r\n/.exec(raw);
      if (size === null) return;
      const length = parseInt(size[1]!, 16);
      if (length === 0) return void socket.end();
      // Events are ASCII in these tests: characters are bytes.
      if (raw.length < size[0].length + length + 2) return;
      text += raw.slice(size[0].length, size[0].length + length);
      raw = raw.slice(size[0].length + length + 2);
    }
  }

  function take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => [line.split(': ')[0]!, line.slice(line.indexOf(': ') + 2)]));
    if (fields.get('data') === undefined) return void comments++;
    events.push({ id: Number(fields.get('id')), event: fields.get('event')!, data: JSON.parse(fields.get('data')!) });
  }
}
