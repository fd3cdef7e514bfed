import ts from 'typescript';

/** Exclusions, each with the reason why tests need not notice such a change. */
export interface Rule {
  reason: string;
  /** Whether to leave this node and all its descendants unchanged. */
  excludes(node: ts.Node): boolean;
}

/** Files without decisions. */
export const excludedFiles: readonly { path: RegExp; reason: string }[] = [
  { path: /^src\/auth\/cli\//, reason: 'programs for people, who read what they print' },
  {
    path: /^src\/api\/openapi\.ts$/,
    reason: 'it describes the API, and the fuzzers compare what it says with what the API does',
  },
];

const logs = /(?:^|[.])(?:log|logger)\??[.](?:trace|debug|info|warn|error|fatal)$/;
const proseProperties = ['description', 'summary', 'title', 'example', 'examples', 'detail', 'hint', 'message'];
const tuned = /timeout|interval|attempt|backoff|batch|page|cache|poll|concurren|keepalive|pause|recheck|wait/i;

export const rules: readonly Rule[] = [
  {
    reason: 'the compiler checks types, imports and exports',
    excludes: (node) =>
      ts.isTypeNode(node) ||
      ts.isImportDeclaration(node) ||
      ts.isExportDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node),
  },
  { reason: 'people read logs, and programs do not', excludes: (node) => logs.test(calleeOf(node)) },
  {
    reason: 'a sentence is worded for people',
    excludes: (node) =>
      (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) &&
      isProse(node.getText()) &&
      !isSql(node.getText()),
  },
  {
    reason: 'descriptions document a schema and decide nothing',
    excludes: (node) =>
      proseProperties.includes(nameOf(node)) ||
      (/[.](?:describe|meta)$/.test(calleeOf(node.parent)) && (node.parent as ts.CallExpression).expression !== node),
  },
  {
    reason: 'how often an activity is tried, and for how long, decides when something happens and not what',
    excludes: (node) => /^proxy(?:Local)?Activities$/.test(calleeOf(node)),
  },
  {
    reason: 'sizes of batches and caches and lengths of waits decide when something happens and not what',
    excludes: (node) => tuned.test(nameOf(node)) && /^[\d_. *n]+$|^'\d+ ?\w+'$/.test(initializerOf(node)),
  },
];

/** Whether a string in the code is SQL, or a part of it. */
export function isSql(text: string): boolean {
  return /\b(?:select|insert into|update \w+|delete from|where|order by|coalesce|is (?:not )?null|case when)\b|now\(\)/.test(
    text,
  );
}

const isProse = (text: string): boolean => /\w[\w,;:}'’)-]* [\w$'‘(]/.test(text);

function calleeOf(node: ts.Node | undefined): string {
  return node !== undefined && ts.isCallExpression(node) ? node.expression.getText() : '';
}

function nameOf(node: ts.Node): string {
  if (!ts.isPropertyAssignment(node) && !ts.isVariableDeclaration(node)) return '';
  return ts.isIdentifier(node.name) || ts.isStringLiteral(node.name) ? node.name.text : '';
}

function initializerOf(node: ts.Node): string {
  return ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node) ? (node.initializer?.getText() ?? '') : '';
}
