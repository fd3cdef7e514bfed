import { expect, test } from '@jest/globals';
import { drawnBeforeExitS, signedWithinS, warnedBeforeExitS } from '../../src/domain/exit-margin.js';

const hour = 3_600;

test.each([
  ['a delay of 12 hours and exits after a week leave an hour', 12 * hour, 168 * hour, 13 * hour],
  ['exits after minutes leave half of what is left once the jobs have ended', 60, 600, 180],
  ['exits as soon as a vault allows them leave nothing', 300, 600, 300],
])('a customer is drawn in time before his exit: %s', (_, batchDelayS, exitDelayS, expected) => {
  expect(drawnBeforeExitS({ batchDelayS, exitDelayS })).toBe(expected);
});

test.each([
  ['30 hours and a half', 12 * hour, 168 * hour, 30.5 * hour],
  ['between both where exits take minutes', 60, 600, 240],
  ['when the jobs end where nothing is left', 300, 600, 300],
])(
  'an operator hears in time of a customer who leaves and has not paid: %s',
  (_, batchDelayS, exitDelayS, expected) => {
    expect(warnedBeforeExitS({ batchDelayS, exitDelayS })).toBe(expected);
  },
);

test.each([
  ['half an hour, which is half of what is kept before exits', 12 * hour, 168 * hour, hour / 2],
  ['two minutes where there is less: receipts are signed every minute', 60, 600, 120],
])('a settlement waits for the signatures of its receipts for %s', (_, batchDelayS, exitDelayS, expected) => {
  expect(signedWithinS({ batchDelayS, exitDelayS })).toBe(expected);
});
