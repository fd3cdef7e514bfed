import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { packageRoot } from '../../engines/paths.js';

const maxLines = 60;
const folders = ['workflows', 'activities', 'src/api'];

/**
 * The functions of a source that are too long to be read in one go, as `name (lines)`. A function is counted without the
 * named functions inside it, each of which is counted by itself: a workflow or a factory that holds state and closures is
 * as long as what it does itself. Callbacks count where they stand.
 */
function tooLong(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const found: string[] = [];

  const visit = (node: ts.Node): void => {
    if (hasBody(node)) {
      const lines = lineOf(node.end) - lineOf(node.getStart()) + 1 - linesOfNamed(node);
      if (lines > maxLines) found.push(`${file}: ${nameOf(node) ?? 'a callback'} (${lines})`);
    }
    ts.forEachChild(node, visit);
  };
  const linesOfNamed = (outer: ts.Node): number => {
    let lines = 0;
    const look = (node: ts.Node): void => {
      if (hasBody(node) && nameOf(node) !== undefined) lines += lineOf(node.end) - lineOf(node.getStart());
      else ts.forEachChild(node, look);
    };
    ts.forEachChild(outer, look);
    return lines;
  };
  visit(source);
  return found;
}

function hasBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

/** Its own name, or that of the constant or the property that it is the value of. */
function nameOf(node: ts.FunctionLikeDeclaration): string | undefined {
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  const isValue = ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent);
  return isValue ? parent.name.getText() : undefined;
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesIn(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

test(`no function of workflows, activities and the API is longer than ${maxLines} lines`, () => {
  const files = folders.flatMap(sourcesIn);
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap((file) => tooLong(file, readFileSync(join(packageRoot, file), 'utf8')))).toEqual([]);
});

test('a long function is named with its lines, without those of the named functions in it', () => {
  const inner = `  const inner = () => {\n${'    step();\n'.repeat(50)}  };\n`;
  const outer = (body: string) => `function outer() {\n${body}${'  step();\n'.repeat(40)}}\n`;
  expect(tooLong('a.ts', outer(inner))).toEqual([]);
  expect(tooLong('a.ts', outer(inner.replace('const inner = ', 'run(').replace('  };', '  });')))).toEqual([
    'a.ts: outer (94)',
  ]);
});
