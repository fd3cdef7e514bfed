import type { Order } from '../../src/client/shapes.js';

/** What runs beside SSH: what the template runs, or nothing; a line of one's own; or what the image itself would run. */
export type ProgramKind = 'usual' | 'command' | 'image';

/** The main program as it is typed. */
export interface FormProgram {
  runs: ProgramKind;
  command: string;
  /** The image has no shell: the line is taken apart here. */
  isShellLess: boolean;
  /** Instead of those of the image or of the template. */
  args: string;
  workdir: string;
  /** Empty: as it is usual. */
  restart: string;
  endsJob: boolean;
}

export const emptyProgram: FormProgram = {
  ...{ runs: 'usual', command: '', isShellLess: false, args: '', workdir: '', restart: '', endsJob: false },
};

type ProgramFields = Pick<Order, 'command' | 'args' | 'workdir' | 'entrypoint' | 'restart' | 'end_with_command'>;

/** @param isUsual whether something runs without a word about it, because the template has a program. */
export function programFieldsOf(program: FormProgram, isUsual: boolean): ProgramFields {
  const { runs, command, isShellLess, args, workdir, restart, endsJob } = program;
  if (runs === 'usual' && !isUsual) return {};
  const further = wordsOf(args) ?? [];
  return {
    ...(runs === 'command' ? { command: isShellLess ? (wordsOf(command) ?? []) : ['sh', '-c', command.trim()] } : {}),
    ...(runs === 'image' ? { entrypoint: 'image' as const } : {}),
    ...(runs === 'command' || further.length === 0 ? {} : { args: further }),
    ...(workdir.trim() === '' ? {} : { workdir: workdir.trim() }),
    ...(restart === '' ? {} : { restart: restart as NonNullable<Order['restart']> }),
    ...(endsJob && restart !== 'always' ? { end_with_command: true } : {}),
  };
}

export interface ProgramProblems {
  command?: string;
  args?: string;
  workdir?: string;
}

const unclosed = 'A quotation mark is not closed.';

export function programProblems(program: FormProgram): ProgramProblems {
  const { runs, command, isShellLess, args, workdir } = program;
  const folder = workdir.trim();
  return {
    ...(runs === 'command' && command.trim() === '' ? { command: 'What is to be run?' } : {}),
    ...(runs === 'command' && isShellLess && wordsOf(command) === undefined ? { command: unclosed } : {}),
    ...(runs !== 'command' && wordsOf(args) === undefined ? { args: unclosed } : {}),
    ...(folder !== '' && !folder.startsWith('/') ? { workdir: 'A path that begins with /, such as /workspace.' } : {}),
  };
}

/**
 * The words of a line as a shell would read them, without anything else that a shell does.
 *
 * @returns undefined if a quotation mark is not closed.
 */
export function wordsOf(line: string): string[] | undefined {
  const words: string[] = [];
  const pattern = /\s+|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;
  let word: string | undefined;
  while (pattern.lastIndex < line.length) {
    const found = pattern.exec(line);
    if (found === null) return undefined;
    const [whole, single, double, escaped, plain] = found;
    if (/^\s/.test(whole)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = `${word ?? ''}${single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? ''}`;
  }
  return word === undefined ? words : [...words, word];
}
