import { seconds } from '../log.js';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const width = 64;

/** Says below the running step what it found. */
export type Note = (line: string) => void;

export interface Steps {
  /** Runs one step: while it runs its name and time are shown, then ✓ or ✗. What it throws goes on to the caller. */
  step: <T>(name: string, work: (note: Note) => Promise<T>) => Promise<T>;
  /** A line between the steps. */
  say: Note;
}

/** Steps on a terminal: a turning sign while one runs. Elsewhere (a log file, CI): one line when it is done. */
export function createSteps(output: NodeJS.WriteStream = process.stdout): Steps {
  const terminal = output.isTTY;
  const colour = terminal && process.env['NO_COLOR'] === undefined;
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  let running: string | undefined;

  const clear = () => terminal && output.write('\r\u001b[2K');
  const line = (text: string) => {
    clear();
    output.write(`${text}\n`);
    if (running !== undefined && terminal) output.write(running);
  };
  const say = (text: string) => line(`    ${paint(2, text)}`);

  return {
    say,
    async step(name, work) {
      const began = Date.now();
      const shown = (sign: string, code: number) =>
        `  ${paint(code, sign)} ${name.padEnd(width)} ${paint(2, seconds(Date.now() - began).padStart(7))}`;
      let frame = 0;
      const turning = terminal
        ? setInterval(() => {
            running = shown(frames[frame++ % frames.length]!, 36);
            output.write(`\r\u001b[2K${running}`);
          }, 90)
        : undefined;
      const notes: string[] = [];
      const finish = (sign: string, code: number) => {
        clearInterval(turning);
        running = undefined;
        line(shown(sign, code));
        notes.forEach(say);
      };
      try {
        const result = await work((note) => notes.push(note));
        finish('✓', 32);
        return result;
      } catch (error) {
        finish('✗', 31);
        for (const text of (error as Error).message.split('\n')) line(`    ${paint(31, text)}`);
        throw error;
      }
    },
  };
}
