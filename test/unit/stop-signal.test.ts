import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';

/** A program that notices its first signal and does not end by it, as one that has things to finish. */
const program = `
  import { stopSignal } from './src/lifecycle.ts';
  const stop = stopSignal();
  stop.addEventListener('abort', () => console.log(stop.reason.name + ' ' + stop.reason.signal));
  setInterval(() => undefined, 1_000);
  console.log('ready');
`;

test.each(['SIGTERM', 'SIGINT'] as const)(
  'the first %s is heard, and the process goes on; the second signal ends it at once',
  async (signal) => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const lines = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      const next = async () => String((await lines.next()).value).trim();
      expect(await next()).toBe('ready');
      child.kill(signal);
      expect(await next()).toBe(`StopRequested ${signal}`);
      expect(child.exitCode).toBeNull();
      const exited = once(child, 'exit');
      // One that goes on regardless ends by this, and the test with it.
      setTimeout(() => child.kill('SIGKILL'), 20_000).unref();
      // Whichever of the two it is.
      child.kill('SIGINT');
      expect(await exited).toEqual([130, null]);
    } finally {
      child.kill('SIGKILL');
    }
  },
);
