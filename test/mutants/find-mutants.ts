import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../engines/paths.js';
import { codeChanges, type Change } from './code-mutants.js';
import { functionsOf, parse } from './functions.js';
import { mutantOf, type Mutant } from './mutant.js';
import { mutatedFolders } from './mutated-folders.js';
import { excludedFiles, isSql, rules } from './rules.js';
import { sqlChanges } from './sql-mutants.js';

export const readSource = (file: string): string => readFileSync(join(packageRoot, file), 'utf8');

/** The files to mutate, relative to the root of the checkout. */
export function mutatedFiles(): string[] {
  return mutatedFolders
    .flatMap((folder) =>
      readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .filter((file) => file.endsWith('.ts') && !excludedFiles.some(({ path }) => path.test(file)))
    .sort();
}

/** All mutants of a file, in order. */
export function mutantsOf(file: string, source = readSource(file)): Mutant[] {
  const sourceFile = parse(file, source);
  const at = { file, source, places: placesOf(sourceFile) };
  const found: Change[] = [];
  const visit = (node: ts.Node): void => {
    if (isExcluded(node)) return;
    if (isText(node) && isSql(wholeText(node))) found.push(...sqlChanges(node.getText(), node.getStart()));
    else if (!isWithinText(node)) found.push(...codeChanges(node, source));
    ts.forEachChild(node, visit);
  };
  visit(sourceFile);
  return found.map((change) => mutantOf(at, change)).filter(({ was, becomes }) => was !== becomes);
}

/** The ranges of its functions, in the order of their numbers. */
export function placesOf(sourceFile: ts.SourceFile): { start: number; end: number }[] {
  return functionsOf(sourceFile).map((node) => ({ start: node.getStart(), end: node.getEnd() }));
}

/**
 * A sample of the mutants, the same for the same seed. A changed file keeps those mutants of its sample that still exist:
 * the choice depends on a mutant's text, not on its position.
 */
export function sample(mutants: readonly Mutant[], size: number, seed: number): Mutant[] {
  const seen = new Map<string, number>();
  const ranked = mutants.map((mutant) => {
    const what = `${seed}\n${mutant.file}\n${mutant.lineWas}\n${mutant.lineBecomes}`;
    const nth = seen.get(what) ?? 0;
    seen.set(what, nth + 1);
    return { mutant, rank: createHash('sha256').update(`${what}\n${nth}`).digest('hex') };
  });
  return ranked
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, size)
    .map(({ mutant }) => mutant);
}

function isExcluded(node: ts.Node): boolean {
  // A statement that consists only of an excluded node is excluded too.
  const within = ts.isExpressionStatement(node) ? bare(node.expression) : node;
  return rules.some(({ excludes }) => excludes(within));
}

function bare(node: ts.Expression): ts.Expression {
  return ts.isAwaitExpression(node) || ts.isVoidExpression(node) ? bare(node.expression) : node;
}

const isText = (node: ts.Node): boolean => ts.isStringLiteralLike(node) || isPiece(node);

const isPiece = (node: ts.Node): node is ts.TemplateHead | ts.TemplateMiddle | ts.TemplateTail =>
  ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);

/** A fragment of a template says little without its context. */
function wholeText(node: ts.Node): string {
  if (!isPiece(node)) return node.getText();
  return (ts.isTemplateHead(node) ? node.parent : node.parent.parent).getText();
}

const isWithinText = (node: ts.Node): boolean => isPiece(node) || ts.isNoSubstitutionTemplateLiteral(node);
