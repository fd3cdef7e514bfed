import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import * as workflows from '../../workflows/index.js';
import { keptHistories } from '../histories/kept.js';
import { workflowBundle } from '../support/temporal.js';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const histories = keptHistories();

/** Replays one history against workflow code; answers what it says against it. */
async function replay(code: string, { workflowId, history }: (typeof histories)[number]): Promise<Error | undefined> {
  for await (const { error } of Worker.runReplayHistories({ workflowBundle: { code } }, [{ workflowId, history }])) {
    return error;
  }
  throw new Error('nothing was replayed');
}

const current = async () => await readFile(await workflowBundle(), 'utf8');

test('a history of every workflow is kept', () => {
  const kept = new Set(
    histories.map(({ history }) => history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name),
  );
  expect([...kept].sort()).toEqual(Object.keys(workflows).sort());
});

test.each(histories.map((kept) => [kept.workflowId, kept] as const))(
  '%s goes on in the code of today',
  async (_name, kept) => {
    expect(await replay(await current(), kept)).toBeUndefined();
  },
);

test('code that does its steps in another way is found out', async () => {
  const code = await current();
  // The steps of the reconciler, two of them in each other's place.
  const changed = code
    .replaceAll('compareLedger', '…')
    .replaceAll('comparePods', 'compareLedger')
    .replaceAll('…', 'comparePods');
  expect(changed).not.toBe(code);
  const kept = histories.find(({ workflowId }) => workflowId.startsWith('fleet-reconciler'))!;
  expect(await replay(changed, kept)).toMatchObject({ name: 'DeterminismViolationError' });
});
