import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import ts from 'typescript';
import { apiRules } from '../../src/api/app.js';
import { errorsOf } from '../../src/api/openapi.js';
import type { ApiDeps } from '../../src/api/deps.js';
import { brokerRoutes, type BrokerRouteDeps } from '../../src/api/broker-routes.js';
import { readConfig } from '../../src/config.js';
import { errorTable, unansweredCodes, type ErrorCode } from '../../src/domain/errors.js';

const sources = ['src', 'activities', 'workflows'].flatMap((folder) =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.ts') && !name.startsWith('engines') && !name.startsWith('provider-agent'))
    .map((name) => join(folder, name))
    .filter((name) => name !== join('src', 'domain', 'errors.ts')),
);

/**
 * The codes that the code itself gives to a failure: as an argument, as a value of a field or a variable, or as what a
 * function answers. A list only says what might be, a comparison only asks.
 */
const thrown = new Set<ErrorCode>();
for (const path of sources) {
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && Object.hasOwn(errorTable, node.text) && isGiven(node.parent))
      thrown.add(node.text as ErrorCode);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true));
}

function isGiven(parent: ts.Node): boolean {
  if (ts.isCallExpression(parent)) return !/\.(?:add|includes|has)$/.test(parent.expression.getText());
  return (
    ts.isNewExpression(parent) ||
    ts.isPropertyAssignment(parent) ||
    ts.isVariableDeclaration(parent) ||
    ts.isReturnStatement(parent) ||
    ts.isConditionalExpression(parent) ||
    ts.isArrowFunction(parent)
  );
}

test('every code is thrown somewhere, or stands among those that wait for their time', () => {
  const never = (Object.keys(errorTable) as ErrorCode[]).filter((code) => !thrown.has(code));
  expect(never.sort()).toEqual([...unansweredCodes].sort());
});

test('no route says that it might answer what nothing throws', () => {
  // None of these is asked anything: what the routes say of themselves is all that is looked at.
  const config = readConfig({ AUTH_AUDIENCE: 'https://broker.example.com' });
  const redis = new Redis({ lazyConnect: true });
  const nothing = { config, redis, now: Date.now } as unknown;
  const routes = brokerRoutes({ ...(nothing as BrokerRouteDeps), auth: nothing as BrokerRouteDeps['auth'] });
  const rules = apiRules({ ...(nothing as ApiDeps), routes });
  expect(rules.length).toBeGreaterThan(30);
  const promised = rules.flatMap((rule) =>
    errorsOf(rule).map((code) => [`${rule.method} ${rule.path}`, code] as const),
  );
  expect(promised.filter(([, code]) => !thrown.has(code))).toEqual([]);
});

test('what waits for its time is advertised nowhere', () => {
  for (const page of [
    ...readdirSync('docs')
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
    'README.md',
  ]) {
    const text = readFileSync(page, 'utf8');
    for (const name of [...unansweredCodes, 'ENABLE_BLOCKCHAIN'])
      expect([page, text.includes(name)]).toEqual([page, false]);
  }
});
