import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './context.js';
import { usage } from './failure.js';

/** Shows something again and again on a terminal, until Ctrl-C, which only leaves. */
export async function watch(context: Context, everyS: number, show: () => Promise<void>): Promise<void> {
  const { screen, global } = context;
  if (screen.width === undefined || !screen.isLive || global.json === true) {
    throw usage('-w needs a terminal', 'for a program: ask again, with --json');
  }
  const leave = new AbortController();
  process.once('SIGINT', () => leave.abort());
  while (!leave.signal.aborted) {
    process.stdout.write('\u001b[H\u001b[2J\u001b[3J');
    await show();
    await sleep(everyS * 1000, undefined, { signal: leave.signal }).catch(() => undefined);
  }
}
