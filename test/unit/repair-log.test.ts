import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { comparisonOf, repairLog } from '../../activities/reconciler/repairs.js';
import { reconcilerFailures, reconcilerRepairs } from '../../src/observability/metrics.js';

const logger = pino({ level: 'silent' });
const failures = async () => (await reconcilerFailures.get()).values[0]?.value ?? 0;

test('a repair that fails is reported by what it was about, counted, and keeps none of the others from being made', async () => {
  const before = await failures();
  const log = repairLog(logger);
  const tried: number[] = [];
  await log.each(
    Array.from({ length: 30 }, (_, n) => n),
    (n) => `job ${n}`,
    async (n) => {
      tried.push(n);
      if (n === 7) throw new Error('its provider is away');
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- somebody else's code may.
      if (n === 8) throw 'no error at all';
      log.repaired('allocation_leaked', { jobId: n });
    },
  );
  expect(tried.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n));
  expect(comparisonOf(log)).toEqual({
    repairs: { allocation_leaked: 28 },
    failures: ['job 7: its provider is away', 'job 8: failed'],
  });
  expect(await failures()).toBe(before + 2);
  const counted = (await reconcilerRepairs.get()).values.find(({ labels }) => labels.kind === 'allocation_leaked');
  expect(counted!.value).toBeGreaterThanOrEqual(28);
});

test('of many failures a report holds the first, which say what is wrong', async () => {
  const log = repairLog(logger);
  for (let n = 0; n < 100; n++) log.failed(`job ${n}`, new Error('away'));
  expect(comparisonOf(log).failures).toHaveLength(20);
  expect(comparisonOf(log).failures[0]).toBe('job 0: away');
});

test('whoever waits for a repair hears that somebody works on it', async () => {
  let heard = 0;
  await repairLog(logger, () => (heard += 1)).each([1], String, () => Promise.resolve());
  expect(heard).toBeGreaterThanOrEqual(1);
});
