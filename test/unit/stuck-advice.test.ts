import { expect, test } from '@jest/globals';
import { adviceFor, type Stuck } from '../../src/domain/stuck-advice.js';

const job: Stuck = {
  kind: 'job',
  state: 'provisioning',
  codeFails: false,
  isUnserved: false,
  endsAt: '2026-11-27T05:20:00.256Z',
};
const provider: Stuck = { ...job, kind: 'provider', state: 'pending' };

test.each<[string, Stuck, RegExp]>([
  ['code that fails', { ...job, codeFails: true, isUnserved: true }, /keep the history/],
  ['no worker', { ...job, isUnserved: true, activity: 'provisionJob' }, /role worker/],
  [
    'an image',
    { ...job, waitsFor: 'stuck, image_pull_failed: 403' },
    /image is private.*ends by itself at 2026-11-27 05:20 UTC$/,
  ],
  ['a node', { ...job, waitsFor: 'stuck, unschedulable: taint' }, /taints.*ends by itself at 2026-11-27 05:20 UTC$/],
  [
    'a pod that stays',
    { ...job, state: 'ending', waitsFor: 'cancelled by me; removing the pod' },
    /does not end the pod/,
  ],
  ['a step', { ...job, activity: 'provisionJob' }, /^provisionJob is tried again/],
  ['a slow machine', { ...job, waitsFor: 'waiting for the pod on n to answer' }, /slowly/],
  ['no machine', { ...job, waitsFor: 'looking for 1 × H100' }, /no machine yet/],
  ['an approval', { ...provider, waitsFor: 'its approval: unsigned' }, /approve it/],
  ['a node that does not join', { ...provider, waitsFor: 'its node n to join with token t' }, /log of the agent/],
  ['nothing known', provider, /Temporal UI/],
])('what waits for %s gets advice of its own', (_what, stuck, says) => {
  expect(adviceFor(stuck)).toMatch(says);
});

test('advice about a job does not promise an end that is not set', () => {
  const { endsAt: _, ...open } = job;
  expect(adviceFor({ ...open, waitsFor: 'stuck, image_pull_failed: 403' })).not.toContain('ends by itself');
});
