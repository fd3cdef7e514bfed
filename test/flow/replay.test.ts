import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import * as workflows from '../../workflows/index.js';
import { keptHistories } from '../histories/kept.js';
import { workflowBundle } from '../support/temporal.js';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const histories = keptHistories();

/** Replays histories against workflow code; answers what it says against each, by its name. */
async function replay(code: string, kept: typeof histories): Promise<Map<string, Error | undefined>> {
  const said = new Map<string, Error | undefined>();
  // One worker for all of them.
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: { code } }, kept)) {
    said.set(workflowId, error);
  }
  return said;
}

const current = async () => await readFile(await workflowBundle(), 'utf8');

test('a history of every workflow is kept', () => {
  const kept = new Set(
    histories.map(({ history }) => history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name),
  );
  expect([...kept].sort()).toEqual(Object.keys(workflows).sort());
});

describe('history replay in the current code', () => {
  let said: Map<string, Error | undefined>;
  beforeAll(async () => {
    said = await replay(await current(), histories);
  });

  test.each(histories.map(({ workflowId }) => workflowId))('the current code replays the history %s', (name) => {
    expect([...said.keys()]).toContain(name);
    expect(said.get(name)).toBeUndefined();
  });
});

test('replay fails for code that takes its steps in another order', async () => {
  const code = await current();
  // The steps of the reconciler, two of them in each other's place.
  const changed = code
    .replaceAll('compareLedger', '…')
    .replaceAll('comparePods', 'compareLedger')
    .replaceAll('…', 'comparePods');
  expect(changed).not.toBe(code);
  const kept = histories.find(({ workflowId }) => workflowId.startsWith('fleet-reconciler'))!;
  expect((await replay(changed, [kept])).get(kept.workflowId)).toMatchObject({ name: 'DeterminismViolationError' });
});
