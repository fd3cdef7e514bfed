import type { JobEvent } from '../client/shapes.js';
import { stepText } from '../words/durations.js';
import type { Money } from '../words/money.js';
import { stepDone, underWayAfter } from '../words/start-steps.js';
import type { Screen } from './terminal/screen.js';
import { cutMiddle, padTo } from './terminal/width.js';

export interface Steps {
  /** Shows an event: a line when a step is done, else what is under way. */
  tell(event: JobEvent): void;
  /** What is under way, in words, and for how long: for the question of Ctrl-C. */
  underWay(): string;
  /** Holds lines back while a question stands there. */
  pause(): void;
  goOn(): void;
  stop(): void;
}

const widestLine = 76;
const frames = ['◐', '◓', '◑', '◒'];

/** The steps of a job that starts, as they happen, on standard error. */
export function createSteps(screen: Screen, money: Money): Steps {
  const begun = Date.now();
  let sinceMs = begun;
  let lastAt: number | undefined;
  let firstAt: number | undefined;
  let current = 'ordering';
  let frame = 0;
  let isPaused = false;
  const held: string[] = [];

  const write = (line: string) => {
    if (isPaused) held.push(line);
    else screen.note(line);
  };
  const redraw = () => {
    if (!isPaused) screen.live(`  ${frames[frame++ % frames.length]} ${current}, ${stepText(Date.now() - sinceMs)}`);
  };
  const timer = screen.isLive ? setInterval(redraw, 250) : undefined;
  const done = (name: string, text: string, ms: number) => {
    const columns = Math.min(widestLine, (process.stderr.columns || 80) - 1);
    const took = stepText(ms);
    const room = columns - 4 - 10 - 1 - took.length - 1;
    const words = room < 8 ? '' : padTo(cutMiddle(text, room), room, 'left');
    write(`  ${screen.paintNote('green', '✓')} ${padTo(name, 10, 'left')} ${words} ${took}`);
  };

  return {
    tell(event) {
      const at = Date.parse(event.at);
      firstAt ??= at;
      const tookMs = Math.max(0, at - (lastAt ?? at));
      lastAt = at;
      sinceMs = Date.now();
      current = underWayAfter(event) ?? current;
      const step = stepDone(event, money);
      if (step !== undefined)
        done(step.name, step.text, event.kind === 'ssh_ready' ? Math.max(0, at - firstAt) : tookMs);
      if (event.kind === 'ssh_ready' || event.kind === 'ended') this.stop();
      else redraw();
    },
    underWay: () => `${current} (${stepText(Date.now() - sinceMs)}; nothing is paid until it runs)`,
    pause() {
      screen.live('');
      isPaused = true;
    },
    goOn() {
      isPaused = false;
      held.splice(0).forEach((line) => screen.note(line));
    },
    stop() {
      clearInterval(timer);
      screen.live('');
    },
  };
}
