import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import ts from 'typescript';
import { errorsOf } from '../../src/api/openapi.js';
import { brokerRoutes, type BrokerRouteDeps } from '../../src/api/routes/index.js';
import { readConfig } from '../../src/config.js';
import { errorTable, unansweredCodes, type ErrorCode } from '../../src/wire/error-codes.js';

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
  const rules = brokerRoutes({ ...(nothing as BrokerRouteDeps), auth: nothing as BrokerRouteDeps['auth'] });
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
    for (const name of unansweredCodes) expect([page, text.includes(name)]).toEqual([page, false]);
  }
});

/**
 * By hand, and not from the table: a code is part of the public API. It never gets another status, and is never taken
 * away; a new one is added here.
 */
const published: Record<string, number> = {
  malformed_request: 400,
  validation_failed: 422,
  payload_too_large: 413,
  headers_too_large: 431,
  request_timeout: 408,
  unsupported_media_type: 415,
  method_not_allowed: 405,
  rate_limited: 429,
  auth_required: 401,
  blocked: 403,
  auth_ambiguous: 401,
  session_unknown: 401,
  session_expired: 401,
  session_revoked: 401,
  signature_invalid: 401,
  timestamp_skew: 401,
  nonce_reused: 401,
  challenge_invalid: 401,
  insufficient_funds: 402,
  exit_pending: 409,
  withdrawal_pending: 409,
  chain_off: 409,
  scope_denied: 403,
  spend_limit_exceeded: 403,
  monthly_cap_reached: 403,
  quota_exceeded: 403,
  auth_backend_unavailable: 503,
  not_found: 404,
  job_not_found: 404,
  provider_not_found: 404,
  session_not_found: 404,
  token_not_found: 404,
  receipt_not_found: 404,
  settlement_not_found: 404,
  ssh_key_not_found: 404,
  idempotency_conflict: 409,
  session_key_in_use: 409,
  quote_mismatch: 409,
  quote_expired: 409,
  no_capacity: 409,
  image_not_found: 422,
  image_private: 422,
  image_platform: 422,
  image_unresolved: 422,
  job_ended: 409,
  job_not_running: 409,
  machine_not_asked: 409,
  machine_unreachable: 503,
  refund_exceeds_charge: 409,
  payout_exceeds_earnings: 409,
  extension_limit: 409,
  ssh_keys_final: 409,
  duration_limit: 422,
  unschedulable: 409,
  image_pull_failed: 409,
  container_not_created: 409,
  container_exited: 409,
  storage_exceeded: 409,
  pod_deleted: 409,
  pod_refused: 409,
  no_ports_left: 409,
  start_timeout: 409,
  ports_unreachable: 409,
  provider_lost: 409,
  provider_drained: 409,
  funds_withdrawn: 409,
  allocation_released: 409,
  delegation_invalid: 401,
  provider_not_yours: 403,
  approval_not_needed: 409,
  provider_retired: 409,
  mining_off: 409,
  settlement_stalled: 503,
  dependency_unavailable: 503,
  internal_error: 500,
};

test('every code has the status with which it was published', () => {
  const statuses = Object.fromEntries(Object.entries(errorTable).map(([code, { status }]) => [code, status]));
  expect(statuses).toEqual(published);
});

test('what may be tried again is what a system behind the broker could not do, and nothing else', () => {
  const retryable = Object.entries(errorTable).filter((entry) => entry[1].retryable);
  expect(retryable.map(([code]) => code)).toEqual([
    'auth_backend_unavailable',
    'dependency_unavailable',
    'internal_error',
  ]);
});
