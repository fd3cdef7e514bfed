import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { keptHistories } from '../histories/kept.js';
import { describeRelease } from './describe-release.js';
import { released, releasedBuild } from './released-build.js';

Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });

const lasting = keptHistories().filter(({ workflowId }) => /^(job|provider)-(?!reminders|series)/.test(workflowId));
const ofOld = lasting.filter(({ workflowId }) => workflowId.endsWith(released.version));
const ofNew = lasting.filter(({ workflowId }) => !workflowId.endsWith(released.version));

describeRelease(`the workflow code of ${released.version}`, () => {
  const said = new Map<string, Error | undefined>();
  beforeAll(async () => {
    const code = await readFile(join(releasedBuild(), 'dist/workflow-bundle.js'), 'utf8');
    for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: { code } }, lasting)) {
      said.set(workflowId, error);
    }
  });

  describe('what it began', () => {
    test.each(ofOld.map(({ workflowId }) => workflowId))('it replays its own history %s', (name) => {
      expect([...said.keys()]).toContain(name);
      expect(said.get(name)).toBeUndefined();
    });
  });

  test('it stands still before steps of this version that it does not know, and does no others in their place', () => {
    const failures = ofNew.flatMap(({ workflowId }) => said.get(workflowId) ?? []);
    // Were there none, a way back would need nothing of what docs/workflow-changes.md asks for.
    expect(failures.length).toBeGreaterThan(5);
    expect(new Set(failures.map(({ name }) => name))).toEqual(new Set(['DeterminismViolationError']));
  });
});
