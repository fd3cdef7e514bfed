import { seconds } from '../log.js';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const width = 64;

/** Prints a line below the running step. */
export type Note = (line: string) => void;

export interface Steps {
  /** Runs one step and shows its name and time, then ✓ or ✗. Rethrows its error. */
  step: <T>(name: string, work: (note: Note) => Promise<T>) => Promise<T>;
  /** Prints a line between steps. */
  say: Note;
}

/** Prints steps: with a spinner on a terminal; elsewhere (a log file, CI), one line when a step is done. */
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
  const say = (text: string) => {
    for (const part of terminal ? fold(text, output.columns - 5) : [text]) line(`    ${paint(2, part)}`);
  };

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

/** Breaks a line between words, where it is too long; what is one word stays whole, so that it can be copied. */
function fold(text: string, columns: number): string[] {
  if (!(text.length > columns && columns > 20)) return [text];
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last.trim() !== '' && last.length + 1 + word.length > columns) lines.push(`  ${word}`);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}
