import { describe, expect, test } from '@jest/globals';
import { endingOf } from '../../console/jobs/ending.js';
import { completeUntil, isComplete, withEvents } from '../../console/jobs/event-log.js';
import { createOnce } from '../../console/live/once.js';
import { extendedText } from '../../console/jobs/extended-text.js';
import { createExtensions, extensionOf, secondsUntil } from '../../console/jobs/extension.js';
import { isShown, readShow, statusesOf, withJob } from '../../console/jobs/job-list.js';
import { orderAgain } from '../../console/jobs/order-again.js';
import { countingFigure, costInAll, partOver, spentNow } from '../../console/jobs/spending.js';
import { shortImage, startView, tookMs } from '../../console/jobs/start-view.js';
import { WorldLandError } from '../../src/client/errors.js';
import type { Job, JobEvent } from '../../src/client/shapes.js';

const orderedAt = Date.parse('2026-11-27T10:00:00Z');
const at = (seconds: number) => new Date(orderedAt + seconds * 1000).toISOString();

function job(changes: Partial<Job> = {}): Job {
  return {
    ...{
      job_id: '01a21a6e-4c34-7898-b659-f89330ee0291',
      status: 'provisioning',
      phase: 'placed',
      image: 'docker.io/library/ubuntu:24.04',
    },
    ...{
      any_gpu_type: false,
      gpu_type: 'rtx-4090',
      gpu_count: 2,
      cpu_cores: 4,
      memory_gb: 16,
      shm_gb: 8,
      storage_gb: 20,
    },
    created_at: at(0),
    ...changes,
  };
}

/** What a job costs while it runs. */
const costOf = (spent: string) => ({ spent, charged: spent, final: false, as_of: at(0) });

const event = (seq: number, kind: JobEvent['kind'], seconds: number): JobEvent => ({
  ...{ seq, kind, job_id: job().job_id, at: at(seconds), text: kind, data: {} },
});

describe('the events of a job', () => {
  const [one, two, three] = [event(1, 'ordered', 0), event(2, 'placed', 1), event(3, 'pod_created', 2)];

  test('stand there once each and in their order, wherever they come from', () => {
    expect(withEvents(withEvents([], [three, one]), [two, three, one]).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  test('that are known already leave the log as it is', () => {
    const log = [one, two];
    expect(withEvents(log, [two])).toBe(log);
  });

  test('are read again from the first gap on', () => {
    const log = withEvents([], [one, three]);
    expect(isComplete(log)).toBe(false);
    expect(completeUntil(log)).toBe(1);
    expect(completeUntil(withEvents(log, [two]))).toBe(3);
    expect([completeUntil([]), isComplete([])]).toEqual([0, true]);
  });
});

describe('a start', () => {
  test('is at the step that its last event leaves', () => {
    const log = [event(1, 'ordered', 0), event(2, 'placed', 1), event(3, 'image_pulling', 2)];
    const { steps } = startView(job(), log);
    expect(steps.map(({ state }) => state)).toEqual(['done', 'active', 'waiting', 'waiting']);
    expect(tookMs(steps[0]!, orderedAt + 9_000)).toBe(1_000);
    expect(tookMs(steps[1]!, orderedAt + 9_000)).toBe(8_000);
  });

  test('goes on although the machine leaves steps out', () => {
    const log = [event(1, 'ordered', 0), event(2, 'placed', 1), event(3, 'ssh_ready', 5)];
    const view = startView(job({ status: 'running', phase: 'ssh_ready', started_at: at(5) }), log);
    expect(view.steps.every(({ state }) => state === 'done')).toBe(true);
    expect(view.readyMs).toBe(orderedAt + 5_000);
    expect(tookMs(view.steps[2]!, 0)).toBeUndefined();
  });

  test('begins anew on another machine, and says so', () => {
    const log = [event(1, 'ordered', 0), event(2, 'placed', 1), event(3, 'image_pulled', 9), event(4, 'placed', 30)];
    const { steps, moves } = startView(job(), log);
    expect(moves).toBe(1);
    expect(steps.map(({ state }) => state)).toEqual(['done', 'active', 'waiting', 'waiting']);
    expect(steps[1]!.sinceMs).toBe(orderedAt + 30_000);
  });

  test('believes the job where its events lag behind', () => {
    const { steps } = startView(job({ phase: 'container_started' }), [event(1, 'ordered', 0)]);
    expect(steps.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'active']);
  });

  test('that failed shows at which step', () => {
    const log = [event(1, 'ordered', 0), event(2, 'placed', 1)];
    const { steps } = startView(job({ status: 'failed', phase: 'ended' }), log);
    expect(steps.map(({ state }) => state)).toEqual(['done', 'failed', 'skipped', 'skipped']);
  });

  test('names an image without what all images have', () => {
    expect(shortImage('docker.io/library/ubuntu:24.04')).toBe('ubuntu:24.04');
    expect(shortImage(`ghcr.io/a/b@sha256:${'ab'.repeat(32)}`)).toBe('ghcr.io/a/b@abababab…');
  });
});

describe('what a job costs', () => {
  const cost = { ...costOf('1000'), reserved: '5000', per_second: '10' };
  const running = job({ status: 'running', phase: 'ssh_ready', started_at: at(0), expires_at: at(3_600), cost });

  test('counts on between two readings, and never beyond what is reserved', () => {
    expect(spentNow({ job: running, readAtMs: orderedAt }, orderedAt + 5_900)).toBe(1_050n);
    expect(spentNow({ job: running, readAtMs: orderedAt }, orderedAt + 3_000_000)).toBe(5_000n);
  });

  test('stands still while the machine is away, and after the end', () => {
    const later = orderedAt + 60_000;
    expect(spentNow({ job: { ...running, phase: 'provider_away' }, readAtMs: orderedAt }, later)).toBe(1_000n);
    expect(spentNow({ job: { ...running, status: 'completed' }, readAtMs: orderedAt }, later)).toBe(1_000n);
  });

  test('is what was reserved, and after the end what it did cost', () => {
    expect(costInAll(running)).toBe(5_000n);
    expect(costInAll({ ...running, cost: { ...costOf('1200'), reserved: '0' } })).toBe(1_200n);
  });

  test('has as many decimals as it takes to see it count', () => {
    expect(countingFigure(1_130_400_000_000_000_000n, 18)).toBe('1.1304');
    expect([countingFigure(5n, 18), countingFigure(5n, 0)]).toEqual(['0.0000', '5.0000']);
  });

  test('runs over a known part of the rented time', () => {
    expect(partOver(running, orderedAt + 900_000)).toBe(0.25);
    expect(partOver(job(), orderedAt)).toBeUndefined();
  });
});

describe('an extension', () => {
  const cost = { ...costOf('0'), reserved: '3600', per_second: '1' };
  const running = job({ status: 'running', started_at: at(0), expires_at: at(3_600), cost });
  const site = { jobs: { max_duration_s: 7_200 } } as Parameters<typeof extensionOf>[2];

  test('says what it costs, and why it cannot be had', () => {
    expect(extensionOf(running, 3_600, site)).toEqual({ seconds: 3_600, price: 3_600n });
    expect(extensionOf(running, 3_601, site).refused).toContain('2 hours');
    expect(extensionOf(running, 0, site).refused).toContain('after');
    expect(extensionOf(job(), 3_600, site).refused).toContain('running');
    expect(extensionOf(running, Number.NaN, site).refused).toBeDefined();
  });

  test('until a time is counted from the present end', () => {
    expect(secondsUntil(running, new Date(at(5_400)))).toBe(1_800);
  });

  test('costs what the broker reserves for it: to the base unit, and upwards', () => {
    const cost = { ...running.cost!, rate_per_hour: '1000000000000000000', per_second: '277777777777777' };
    expect(extensionOf({ ...running, cost }, 3_600, undefined).price).toBe(10n ** 18n);
    expect(extensionOf({ ...running, cost }, 1, undefined).price).toBe(277777777777778n);
  });

  describe('by a click', () => {
    /** What the broker is asked for, and how it answers. */
    function extending(answers: (Partial<Job> | WorldLandError)[]) {
      const sent: string[] = [];
      let made = 0;
      let wallet = '0xa';
      const kept = new Map<string, string>();
      const page = () =>
        createExtensions(
          async (id, seconds, key) => {
            sent.push(`${id.slice(-4)} ${seconds} ${key}`);
            const answer = answers.shift() ?? {};
            if (answer instanceof WorldLandError) throw answer;
            return { ...running, ...answer };
          },
          { once: createOnce(kept), newKey: () => `key-${++made}`, wallet: () => wallet },
        );
      return { sent, page, change: (other: string) => (wallet = other) };
    }
    const lost = new WorldLandError('network', 'cannot be reached');
    const moved = { ...running, expires_at: at(7_200) };

    test('is the same one after its answer was lost, although the end has moved and the page was loaded anew', async () => {
      const { sent, page } = extending([lost, new WorldLandError('timeout', 'late'), moved, {}]);
      await expect(page()(running, 3_600)).rejects.toBe(lost);
      await expect(page()(moved, 3_600)).rejects.toMatchObject({ code: 'timeout' });
      const extend = page();
      await extend(moved, 3_600);
      expect(sent).toEqual(Array(3).fill('0291 3600 key-1'));
      await extend(moved, 3_600);
      expect(sent.at(-1)).toBe('0291 3600 key-2');
    });

    test('is another one after a refusal, for another time, and for another wallet', async () => {
      const refused = new WorldLandError('duration_limit', 'too long', { status: 422 });
      const { sent, page, change } = extending([refused, lost, lost, lost]);
      const extend = page();
      for (const seconds of [3_600, 3_600, 7_200]) await expect(extend(running, seconds)).rejects.toThrow();
      change('0xb');
      await expect(extend(running, 3_600)).rejects.toBe(lost);
      expect(sent.map((each) => each.split(' ')[2])).toEqual(['key-1', 'key-2', 'key-3', 'key-4']);
    });

    test('is the same one while too many requests or an ended login keep it from being looked at', async () => {
      const busy = new WorldLandError('rate_limited', 'slowly', { status: 429 });
      const { sent, page } = extending([lost, busy, new WorldLandError('session_expired', 'over', { status: 401 })]);
      const extend = page();
      for (let time = 0; time < 4; time++) await extend(running, 3_600).catch(() => undefined);
      expect(new Set(sent).size).toBe(1);
    });

    test('is sent once for two clicks, and once more only when the page shows the new end', async () => {
      const { sent, page } = extending([moved, {}]);
      const extend = page();
      expect(await Promise.all([extend(running, 3_600), extend(running, 3_600)])).toEqual([moved, moved]);
      expect(await extend(running, 3_600)).toEqual(moved);
      expect(sent).toHaveLength(1);
      await extend(moved, 3_600);
      expect(sent).toHaveLength(2);
    });
  });

  test('is said with the new end; one that an earlier attempt made is said to add nothing', () => {
    const [from, seconds, nowMs] = [running, 3_600, orderedAt];
    expect(extendedText({ expires_at: at(7_200) }, { from, seconds, nowMs })).toMatch(/^1 h more: it ends at .+\.$/);
    expect(extendedText(running, { from, seconds, nowMs })).toMatch(
      /^It had been extended already: .+ Nothing was added\.$/,
    );
  });
});

describe('how a job ended', () => {
  test('is said in words, with the reason of an operator', () => {
    const cancelled = job({ status: 'cancelled', ended_by: 'operator', message: 'an operator ended it: mining' });
    expect(endingOf(cancelled)).toEqual({ title: 'An operator of this site ended it', tone: 'warn', said: 'mining' });
    expect(
      endingOf(job({ status: 'cancelled', ended_by: 'operator', message: 'an operator ended it' })),
    ).not.toHaveProperty('said');
    expect(endingOf(job({ status: 'cancelled', ended_by: 'you', message: 'you ended it' }))?.title).toBe(
      'You ended it',
    );
    expect(endingOf(job({ status: 'expired' }))?.title).toBe('Its time was over');
    expect(endingOf(job())).toBeUndefined();
  });

  test('names the reason of a failure only if there is a page about it', () => {
    const failed = endingOf(job({ status: 'failed', failure_reason: 'image_pull_failed', failure_message: '404' }));
    expect(failed).toMatchObject({ code: 'image_pull_failed', said: '404', tone: 'bad' });
    expect(endingOf(job({ status: 'failed', failure_reason: '../../evil' }))).not.toHaveProperty('code');
    expect(endingOf(job({ status: 'failed', failure_reason: 'toString' }))?.title).toBe('It failed');
  });

  test('leads to an order with more of what was too little', () => {
    const suggestion = { action: 'increase_memory', recommended_memory: '32Gi', message: '' } as const;
    const { label, to } = orderAgain(job({ suggestion, started_at: at(0), expires_at: at(5_400) }));
    const query = new URLSearchParams(to.replace('/rent?', ''));
    expect(label).toBe('Order again with 32 GB');
    expect(Object.fromEntries(query)).toMatchObject({
      gpu: 'rtx-4090',
      count: '2',
      memory: '32',
      disk: '20',
      hours: '1.5',
    });
    expect(orderAgain(job({ any_gpu_type: true })).to).not.toContain('gpu=');
    const strange = { ...suggestion, recommended_memory: '1e9&image=evil' };
    expect(orderAgain(job({ suggestion: strange })).label).toBe('Order again');
  });
});

describe('the list of jobs', () => {
  const [old, newer] = ['01a21a6e-0000-7000-8000-000000000001', '01a21a6e-0000-7000-8000-000000000002'].map(
    (job_id) => ({
      job: job({ job_id, status: 'running' }),
    }),
  ) as [{ job: Job }, { job: Job }];

  test('shows what its address names, and what is active otherwise', () => {
    expect(['ended', 'all', 'nonsense', null].map(readShow)).toEqual(['ended', 'all', 'active', 'active']);
    expect(statusesOf('active')).toBe('active');
    expect(isShown({ status: 'failed' }, 'active')).toBe(false);
  });

  test('takes a new job at its place, newest first', () => {
    expect(withJob([old], newer, 'active', true)).toEqual([newer, old]);
    expect(withJob([newer], old, 'active', true)).toEqual([newer, old]);
    expect(withJob([newer], old, 'active', false)).toEqual([newer]);
  });

  test('keeps a job that has just ended, and takes none that it does not show', () => {
    const ended = { job: { ...old.job, status: 'completed' as const } };
    expect(withJob([newer, old], ended, 'active', true)).toEqual([newer, ended]);
    expect(withJob([newer], ended, 'active', true)).toEqual([newer]);
  });
});
