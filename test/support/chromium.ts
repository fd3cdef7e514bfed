import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** The browser of this machine; undefined if it has none. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
}

// What the browser says is read as it comes: a wrong shape fails the expectation.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Params = Record<string, any>;
type Listener = (params: Params) => void;

/** A tab of a browser, over the DevTools protocol. */
export interface Tab {
  send(method: string, params?: Params): Promise<Params>;
  on(event: string, listener: Listener): void;
  /** The value of an expression in the page, once its promise has settled. */
  evaluate<Value>(expression: string): Promise<Value>;
  goto(url: string): Promise<void>;
  close(): Promise<void>;
}

export interface Chromium {
  newTab(): Promise<Tab>;
  stop(): Promise<void>;
}

const stopWithinMs = 5_000;

/** A browser without a window, that is told what to do over two pipes: nothing listens on a port. */
export async function startChromium(program: string, args: string[] = []): Promise<Chromium> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const common = ['--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--no-first-run'];
  const quiet = ['--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update'];
  const child = spawn(program, [...common, ...quiet, `--user-data-dir=${profile}`, ...args], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: profile },
  });
  const { send, on } = connect(child);
  return {
    async newTab() {
      // A context of its own: no storage, no cache of another test.
      const { browserContextId } = await send('Target.createBrowserContext');
      const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const tab = tabOf(
        (method, params) => send(method, params, sessionId),
        (event, listener) => on(event, listener, sessionId),
      );
      for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await tab.send(`${domain}.enable`);
      return { ...tab, close: async () => void (await send('Target.disposeBrowserContext', { browserContextId })) };
    },
    async stop() {
      const ended = new Promise<void>((done) => child.once('exit', () => done()));
      const overdue = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
      void send('Browser.close').catch(() => undefined);
      await ended;
      clearTimeout(overdue);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function tabOf(send: Tab['send'], on: Tab['on']): Omit<Tab, 'close'> {
  return {
    send,
    on,
    async evaluate<Value>(expression: string) {
      const reply = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      if (reply['exceptionDetails'] !== undefined) throw new Error(JSON.stringify(reply['exceptionDetails']));
      return reply['result'].value as Value;
    },
    async goto(url) {
      const loaded = new Promise<void>((done) => on('Page.loadEventFired', () => done()));
      const { errorText } = await send('Page.navigate', { url });
      if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
      await loaded;
    },
  };
}

/** Messages are JSON, each ended by a zero byte. */
function connect(child: ChildProcess) {
  const [into, from] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<number, { resolve: (result: Params) => void; reject: (error: Error) => void }>();
  const listeners: { event: string; sessionId: string | undefined; listener: Listener }[] = [];
  let id = 0;
  let unread = Buffer.alloc(0);
  from.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    for (let end = unread.indexOf(0); end >= 0; end = unread.indexOf(0)) {
      const message = JSON.parse(unread.subarray(0, end).toString()) as Params;
      unread = unread.subarray(end + 1);
      receive(message);
    }
  });
  child.once('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the browser ended with ${code}`));
    waiting.clear();
  });
  into.on('error', () => undefined);

  function receive(message: Params): void {
    const answered = waiting.get(message['id'] as number);
    if (answered !== undefined) {
      waiting.delete(message['id'] as number);
      if (message['error'] === undefined) answered.resolve(message['result'] as Params);
      else answered.reject(new Error(JSON.stringify(message['error'])));
      return;
    }
    for (const { event, sessionId, listener } of [...listeners]) {
      if (event === message['method'] && sessionId === message['sessionId']) listener(message['params'] as Params);
    }
  }

  return {
    send: (method: string, params: Params = {}, sessionId?: string) =>
      new Promise<Params>((resolve, reject) => {
        waiting.set((id += 1), { resolve, reject });
        into.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`);
      }),
    on: (event: string, listener: Listener, sessionId?: string) => void listeners.push({ event, sessionId, listener }),
  };
}
