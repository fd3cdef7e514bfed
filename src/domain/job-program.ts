import { z } from 'zod';
import { optionalText } from './request-values.js';
import type { ImageProgram } from './resolved-image.js';
import { isStorableText } from './storable-text.js';

/** When the main program of a job is started again after it has ended. */
export const programRestarts = ['never', 'on_failure', 'always'] as const;
export type ProgramRestart = (typeof programRestarts)[number];

/** The main program that a customer asks for. */
export interface ProgramRequest extends ProgramRules {
  /** The program and its first arguments; absent for what the image itself would run. */
  command?: string[];
  args: string[];
  /** Absent: where the image wants its programs to start. */
  workdir?: string;
}

/** What runs in the job, as its SSH server reads it. Arguments may be secret: they are kept as variables are. */
export interface ProgramSpec {
  argv: string[];
  workdir?: string;
  restart: ProgramRestart;
  end_with_command: boolean;
}

/** What the broker goes by; nothing of what is run. */
export interface ProgramRules {
  restart: ProgramRestart;
  /** The job ends when the program does. */
  endsJob: boolean;
}

/** What whoever may read the job learns about its program. */
export interface ProgramState extends ProgramRules {
  /** How it ended, where the job ended with it. */
  exitCode?: number;
}

/** Program and arguments together, each with the byte that ends it. */
const maxArgumentBytes = 8 * 1024;
const maxWorkdirBytes = 1_024;

/** Bytes in UTF-8, without what only Node has: the console is made of these types, too. */
const byteLength = (text: string) => new TextEncoder().encode(text).byteLength;

/** Neither an argument of a process nor the database can hold what is refused here. */
const argument = z.string().refine(isStorableText, 'holds a NUL or half a surrogate pair');
const workdir = z
  .string()
  .refine((path) => path.startsWith('/'), 'must be an absolute path, such as /workspace')
  .refine(isStorableText, 'holds a NUL or half a surrogate pair')
  .refine((path) => byteLength(path) <= maxWorkdirBytes, `must be at most ${maxWorkdirBytes} bytes`);

/** The fields of an order that are about its main program. */
export const programFields = {
  command: z
    .array(argument, { error: 'must be a list of texts, such as ["python", "train.py"]' })
    .min(1, 'must name a program, such as ["python", "train.py"]')
    .refine(([program]) => program !== '', 'must begin with the name of a program')
    .optional()
    .describe('The main program and its arguments, without a shell: for one, `["sh", "-c", "…"]`'),
  args: z
    .array(argument, { error: 'must be a list of texts' })
    .optional()
    .describe("Further arguments of `command`; with `entrypoint`, in place of the image's own"),
  workdir: optionalText(workdir).describe("Where it starts; the image's folder unless given"),
  entrypoint: optionalText(z.enum(['image'], { error: 'must be "image": what the image itself would run' })).describe(
    '`image`: the main program is what the image itself would run',
  ),
  restart: optionalText(z.enum(programRestarts, { error: `must be ${programRestarts.join(', ')}` })).describe(
    'When the program is started again after it has ended; `never` unless given',
  ),
  end_with_command: z
    .boolean()
    .optional()
    .describe('The job ends with its program: `completed` if that ends with 0, else `failed`'),
};

type ProgramBody = z.output<z.ZodObject<typeof programFields>>;

/** What contradicts itself; each problem with its field. */
export function programProblems(body: ProgramBody): { field: keyof ProgramBody; message: string }[] {
  const { command, args, entrypoint } = body;
  const problems: { field: keyof ProgramBody; message: string }[] = [];
  if (command !== undefined && entrypoint !== undefined)
    problems.push({ field: 'entrypoint', message: 'cannot be given together with command' });
  if (command === undefined && entrypoint === undefined) {
    const isGiven: Record<string, boolean> = {
      args: (args?.length ?? 0) > 0,
      workdir: body.workdir !== undefined,
      restart: body.restart !== undefined && body.restart !== 'never',
      end_with_command: body.end_with_command === true,
    };
    for (const field of ['args', 'workdir', 'restart', 'end_with_command'] as const) {
      if (isGiven[field] === true) problems.push({ field, message: 'needs a command, or "entrypoint": "image"' });
    }
  }
  const bytes = [...(command ?? []), ...(args ?? [])].reduce((sum, text) => sum + byteLength(text) + 1, 0);
  if (bytes > maxArgumentBytes) {
    const field = command === undefined ? 'args' : 'command';
    problems.push({ field, message: `and args are ${bytes} bytes together; ${maxArgumentBytes} is the most` });
  }
  if (body.restart === 'always' && body.end_with_command === true) {
    problems.push({ field: 'end_with_command', message: 'never happens with "restart": "always"' });
  }
  return problems;
}

/** The program of an order whose body has no problems; nothing for an order without one. */
export function programOf(body: ProgramBody): { program?: ProgramRequest } {
  const { command, args, entrypoint, workdir, restart, end_with_command: endsJob } = body;
  if (command === undefined && entrypoint === undefined) return {};
  return {
    program: {
      ...(command === undefined ? {} : { command }),
      args: args ?? [],
      ...(workdir === undefined ? {} : { workdir }),
      restart: restart ?? 'never',
      endsJob: endsJob ?? false,
    },
  };
}

/**
 * What is run: as Kubernetes has it for `command` and `args`, and as it has it for an image's own words: arguments of
 * the order take the place of the image's.
 *
 * @param image needed for a program without a command.
 * @returns undefined if the image names no program.
 */
export function programSpec(
  program: ProgramRequest,
  image?: Pick<ImageProgram, 'entrypoint' | 'cmd'>,
): ProgramSpec | undefined {
  const { command, args, workdir, restart, endsJob } = program;
  const own = [...(image?.entrypoint ?? []), ...(args.length > 0 ? args : (image?.cmd ?? []))];
  const argv = command === undefined ? own : [...command, ...args];
  if (argv.length === 0 || argv[0] === '') return undefined;
  return { argv, ...(workdir === undefined ? {} : { workdir }), restart, end_with_command: endsJob };
}

/** The part of a program that may stand anywhere. */
export function rulesOf({ restart, endsJob }: ProgramRules): ProgramRules {
  return { restart, endsJob };
}
