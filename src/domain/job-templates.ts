import { z } from 'zod';
import { cudaVersion, vramGb } from './gpu-values.js';
import { imageName, imageRefusal, parseImage, type ImagePolicy } from './image.js';
import { envProblems } from './job-env.js';
import { portProblems, portsField, type JobPort } from './job-ports.js';
import { programFields, programProblems } from './job-program.js';
import { printableText } from './printable.js';
import { checked } from './request-values.js';

/** How a program takes its token: in the query of its URL, as a bearer token, or as what is typed into its page. */
export const tokenUses = ['query', 'bearer', 'password'] as const;
export type TokenUse = (typeof tokenUses)[number];

/** A token of a program that has no access control of its own: the broker makes one for each job. */
export interface TemplateToken {
  /** The variable by which the program gets it. */
  variable: string;
  usedAs: TokenUse;
  /** The name in the query, for `query`. */
  query?: string;
}

/** Where the program's page is. */
export interface TemplatePage {
  port: number;
  path: string;
}

/** What an order that names a template keeps of it: what its replies need, and no secret. */
export interface UsedTemplate {
  id: string;
  page?: TemplatePage;
  token?: TemplateToken;
}

/** Something that many customers rent a machine for, by a name for people. */
export interface JobTemplate extends UsedTemplate {
  name: string;
  description: string;
  /** The full reference. */
  image: string;
  program: TemplateProgram;
  env: Record<string, string>;
  ports: JobPort[];
  minVramGb?: number;
  /** As `cudaNumber`. */
  minCuda?: number;
}

/** Fields of an order that are about its main program. */
export type TemplateProgram = Pick<
  z.output<z.ZodObject<typeof programFields>>,
  'command' | 'args' | 'workdir' | 'entrypoint' | 'restart'
>;

const maxTemplates = 50;

export const templateId = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'must be lower-case letters, digits and hyphens, 32 at most');

const { end_with_command: _, ...ofProgram } = programFields;

/** Printable ASCII that cannot leave the path of a URL. */
const path = z
  .string()
  .max(200)
  .regex(/^\/[\w.~/-]*$/, 'must be a path such as /lab');

const page = z.strictObject({ port: z.int().min(1).max(65_535), path: path.default('/') });

const token = z.strictObject({
  variable: z.string().regex(/^[A-Z_][A-Z0-9_]{0,63}$/, 'must be the name of a variable, such as JUPYTER_TOKEN'),
  used_as: z.enum(tokenUses, { error: `must be ${tokenUses.join(', ')}` }),
  query: z
    .string()
    .regex(/^[\w-]{1,32}$/, 'must be the name of a parameter, such as token')
    .optional(),
});

/** One entry of the operator's file. */
const templateEntry = z
  .strictObject({
    id: templateId,
    name: printableText(64).min(1),
    description: printableText(400).min(1),
    image: z.string().transform(checked((text) => imageName(parseImage(text)))),
    ...ofProgram,
    env: z.record(z.string(), z.string()).default({}),
    ports: portsField.default([]),
    needs: z.strictObject({ min_vram_gb: vramGb.optional(), min_cuda: cudaVersion.optional() }).default({}),
    page: page.optional(),
    token: token.optional(),
  })
  .superRefine((entry, context) => {
    const problems = [
      ...programProblems(entry).map(({ field, message }) => ({ path: [field], message })),
      ...envProblems(entry.env).map(({ field, message }) => ({ path: field.split('.'), message })),
      ...portProblems(entry.ports),
      ...tokenProblems(entry),
    ];
    for (const { path: at, message } of problems) context.addIssue({ code: 'custom', path: at, message });
  })
  .transform(
    ({ id, name, description, image, env, ports, needs, page: opens, token: secret, ...program }): JobTemplate => ({
      ...{ id, name, description, image, program, env, ports },
      ...(needs.min_vram_gb === undefined ? {} : { minVramGb: needs.min_vram_gb }),
      ...(needs.min_cuda === undefined ? {} : { minCuda: needs.min_cuda }),
      ...(opens === undefined ? {} : { page: opens }),
      ...(secret === undefined
        ? {}
        : {
            token: {
              ...{ variable: secret.variable, usedAs: secret.used_as },
              ...(secret.query === undefined ? {} : { query: secret.query }),
            },
          }),
    }),
  );

type TemplateEntry = { env: Record<string, string>; token?: z.output<typeof token> | undefined; page?: unknown };

function tokenProblems({ token: secret, page: opens, env }: TemplateEntry): { path: string[]; message: string }[] {
  if (secret === undefined) return [];
  const problems = envProblems({ [secret.variable]: '' }).map(({ message }) => ({
    path: ['token', 'variable'],
    message,
  }));
  if (Object.hasOwn(env, secret.variable)) {
    problems.push({ path: ['token', 'variable'], message: 'is in env, too, where everybody could read it' });
  }
  if ((secret.used_as === 'query') !== (secret.query !== undefined)) {
    problems.push({ path: ['token', 'query'], message: 'goes together with "used_as": "query"' });
  }
  if (secret.used_as === 'query' && opens === undefined) {
    problems.push({ path: ['page'], message: 'required: the token stands in its URL' });
  }
  return problems;
}

/** The operator's file. */
const templateFile = z.strictObject({
  templates: z.array(z.unknown()).max(maxTemplates, `must hold at most ${maxTemplates} templates`),
});

/**
 * Reads the operator's templates.
 *
 * @returns all problems instead, each with the entry and the field; they repeat no value but an id.
 */
export function readTemplates(text: string): { templates: JobTemplate[]; problems: string[] } {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return { templates: [], problems: ['is not JSON'] };
  }
  const list = templateFile.safeParse(file);
  if (!list.success) return { templates: [], problems: list.error.issues.map(({ message }) => message) };
  const templates: JobTemplate[] = [];
  const problems: string[] = [];
  for (const [at, entry] of list.data.templates.entries()) {
    const which = `template ${at + 1}${nameOf(entry)}`;
    const read = templateEntry.safeParse(entry);
    if (!read.success) {
      problems.push(...read.error.issues.map((issue) => `${which}: ${fieldOf(issue)} ${saidOf(issue)}`));
    } else if (templates.some(({ id }) => id === read.data.id)) {
      problems.push(`${which}: id is that of another template`);
    } else {
      templates.push(read.data);
    }
  }
  return problems.length > 0 ? { templates: [], problems } : { templates, problems };
}

const fieldOf = ({ path: field }: z.core.$ZodIssue) => field.join('.');

/** What is said of a value; the last branch of a union is the intended one. */
function saidOf(issue: z.core.$ZodIssue): string {
  const meant = issue.code === 'invalid_union' ? issue.errors.at(-1)?.[0] : undefined;
  return meant === undefined ? issue.message : saidOf(meant);
}

/** For an operator who looks for the entry; whatever is no id is not repeated. */
function nameOf(entry: unknown): string {
  const id = templateId.safeParse((entry as { id?: unknown } | null)?.id);
  return id.success ? ` (${id.data})` : '';
}

/** The templates whose images the site lets customers run. */
export function allowedTemplates(templates: readonly JobTemplate[], policy: ImagePolicy): JobTemplate[] {
  return templates.filter(({ image }) => imageRefusal(parseImage(image), policy) === undefined);
}
