import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** One request of an `.http` file, before its variables are filled in. */
export interface HttpExample {
  title: string;
  /** The name in its `# @name` line. */
  name?: string;
  /** The statuses that the file documents. */
  answers: number[];
  method: string;
  target: string;
  headers: Record<string, string>;
  body?: string;
}

interface HttpFile {
  /** The variables that are defined at its top. */
  variables: Record<string, string>;
  examples: HttpExample[];
}

/** Reads an `.http` file, in the notation of REST Client. */
export function readHttpFile(path: string): HttpFile {
  const [top = '', ...parts] = readFileSync(path, 'utf8').split(/^### ?/m);
  const variables = Object.fromEntries(
    [...top.matchAll(/^@(\w+) = (.*)$/gm)].map(([, name, value]) => [name!, value!]),
  );
  return { variables, examples: parts.map(readExample) };
}

function readExample(text: string): HttpExample {
  const [title = '', ...lines] = text.trimEnd().split('\n');
  const told = lines.filter((line) => line.startsWith('#'));
  const [head = '', ...paragraphs] = lines
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split('\n\n');
  const [request = '', ...headers] = head.split('\n');
  const [method = '', target = ''] = request.split(' ');
  const answers = told.flatMap((line) => (line.startsWith('# Answers ') ? [...line.matchAll(/\b[1-5]\d\d\b/g)] : []));
  const name = told.map((line) => /^# @name (\w+)$/.exec(line)?.[1]).find((found) => found !== undefined);
  return {
    title,
    ...(name === undefined ? {} : { name }),
    answers: answers.map(([status]) => Number(status)),
    method,
    target,
    headers: Object.fromEntries(headers.map((line) => line.split(': ') as [string, string])),
    ...(paragraphs.length === 0 ? {} : { body: paragraphs.join('\n\n') }),
  };
}

/**
 * Fills values into a text: variables, `{{$guid}}`, `{{$datetime iso8601}}`, and parts of earlier responses, as in
 * `{{order.response.body.$.job_id}}`.
 *
 * @throws Error for a missing value.
 */
export function filled(
  text: string,
  variables: Readonly<Record<string, string>>,
  answers: ReadonlyMap<string, unknown>,
): string {
  return text.replace(/\{\{(.+?)\}\}/g, (_, expression: string) => {
    if (expression === '$guid') return randomUUID();
    if (expression === '$datetime iso8601') return new Date().toISOString();
    const [, name, path] = /^(\w+)\.response\.body\.\$\.(.+)$/.exec(expression) ?? [];
    const value = name === undefined ? variables[expression] : valueAt(answers.get(name), path!);
    if (typeof value !== 'string') throw new Error(`{{${expression}}} has no value`);
    return value;
  });
}

function valueAt(body: unknown, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .filter((key) => key !== '')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], body);
}
