import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { exitCodes, Failure } from '../failure.js';
import { clean } from '../../words/clean.js';

/**
 * Asks on standard error, so that a result on standard output stays alone.
 *
 * @throws Failure if Ctrl-C or the end of the input is the answer.
 */
export async function ask(question: string, signal?: AbortSignal): Promise<string> {
  return await answerTo(question, process.stderr, signal);
}

/** As `ask`, and what is typed is not shown. */
export async function askHidden(question: string): Promise<string> {
  process.stderr.write(clean(question));
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await answerTo('', nowhere);
  } finally {
    process.stderr.write('\n');
  }
}

/** Yes or no; Enter is the answer that is written in capitals. */
export async function confirm(question: string, byDefault: boolean): Promise<boolean> {
  for (;;) {
    const answer = (await ask(`${question} [${byDefault ? 'Y/n' : 'y/N'}] `)).trim().toLowerCase();
    if (answer === '') return byDefault;
    if (['y', 'yes', 'n', 'no'].includes(answer)) return answer.startsWith('y');
  }
}

/** One of several, by its number. */
export async function choose(question: string, choices: readonly string[]): Promise<number> {
  for (const [at, choice] of choices.entries()) process.stderr.write(`  ${at + 1}  ${clean(choice)}\n`);
  for (;;) {
    const answer = Number((await ask(`${question} [1-${choices.length}] `)).trim());
    if (Number.isInteger(answer) && answer >= 1 && answer <= choices.length) return answer - 1;
  }
}

/** A question may hold a stranger's words, such as the broker's name for its token. */
async function answerTo(question: string, output: NodeJS.WritableStream, signal?: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY === true });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('SIGINT', () => reject(interrupted()));
      lines.once('close', () => reject(interrupted()));
      lines.question(clean(question), signal === undefined ? {} : { signal }).then(resolve, reject);
    });
  } finally {
    lines.close();
    // Else the open input keeps the process alive.
    process.stdin.pause();
  }
}

function interrupted(): Failure {
  return new Failure(exitCodes.interrupted, 'interrupted');
}
