import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { z } from 'zod';
import { environment, subjects } from '../src/config/environment.js';

const folder = 'src/config';

/** The comment above a variable: the text, and whether it is marked `@internal` and so not shown. */
interface Comment {
  text: string;
  isInternal: boolean;
}

/** The comments above the variables of the environment, by name; a variable without one is absent. */
export function variableComments(): Map<string, Comment> {
  const comments = new Map<string, Comment>();
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const visit = (node: ts.Node): void => {
      if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) {
        const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
        const text = docs.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join(' ');
        const isInternal = ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal');
        if (text !== '') comments.set(node.name.text, { text: text.replace(/\s+/g, ' ').trim(), isInternal });
      }
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true));
  }
  return comments;
}

/** docs/configuration.md, from the schema of the environment and the comments above its variables. */
export function configurationPage(): string {
  const comments = variableComments();
  const sections = subjects.map(([title, variables]) => {
    const entries = Object.keys(variables)
      .filter((name) => comments.get(name)?.isInternal !== true)
      .map((name) => `**\`${name}\`**: ${acceptedBy(name)}.\n${comments.get(name)?.text ?? ''}`);
    return `## ${title}\n${entries.join('\n\n')}\n`;
  });
  return `${introduction}\n${sections.join('\n')}`;
}

const introduction = `# Configuration

<!-- Made by \`npm run docs:configuration\` from src/config/. Edit the comments there, not this page. -->

The broker reads its configuration from the environment, once, when a process starts. What is not acceptable ends the
process with exit code 78 and a message that names each variable at fault and repeats no value.

- An empty variable counts as unset.
- \`1\` and \`yes\` mean true, \`0\` and \`no\` false.
- \`NAME_FILE\` gives the value of \`NAME\` from a file, for secrets that are mounted. \`NAME\` itself goes before.
- Units are at the end of a name: \`_S\` seconds, \`_GB\` GB of 1024 MB. Bounds are included.
- All processes of an installation should have the same values, except \`BROKER_ROLES\`, ports and addresses.
`;

/** What a variable accepts and what it is unless set, in a few words. */
function acceptedBy(name: string): string {
  const fallback = unlessSet(name);
  return `${kindOf(name)}; ${fallback === undefined ? 'no default' : `default ${fallback}`}`;
}

interface JsonSchema {
  type?: string;
  description?: string;
  minimum?: number;
  maximum?: number;
  enum?: string[];
}

const described = z.toJSONSchema(environment, { io: 'input' }).properties as Record<string, JsonSchema>;

function kindOf(name: string): string {
  const { type, description, minimum, maximum, enum: choices } = described[name]!;
  if (description !== undefined) return description;
  if (choices !== undefined) return `one of ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
  if (type !== 'integer') return 'text';
  const unit = name.endsWith('_S') ? 'seconds' : name.endsWith('_GB') ? 'GB' : 'whole number';
  const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return isBounded ? `${unit}, ${grouped(minimum ?? 0)} to ${grouped(maximum)}` : `${unit} above 0`;
}

/** The default as it would be written; undefined where there is none. */
function unlessSet(name: string): string | undefined {
  const value: unknown = environment.shape[name as keyof typeof environment.shape].safeParse(undefined).data;
  if (value === undefined) return undefined;
  if (typeof value === 'number') return grouped(value);
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? `\`${value}\`` : 'empty';
}

const grouped = (value: number) => (value < 10_000 ? String(value) : value.toLocaleString('en-US'));
