import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { sentence } from '../../src/domain/outside.js';
import { PodNews } from '../../src/roles/watcher/pod-news.js';
import type { PodObservation } from '../../workflows/job-messages.js';

const jobId = 'job-1';
const seen = (phase: PodObservation['phase'], stuck?: string): PodObservation => ({
  phase,
  uid: 'uid-1',
  resourceVersion: '1',
  ...(stuck === undefined ? {} : { stuck: { reason: 'unschedulable', message: sentence(stuck) } }),
});

describe('what of a pod is news to its job', () => {
  let told: PodObservation[];
  let news: PodNews;

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    news = new PodNews((_, observation) => told.push(observation));
  });
  afterEach(() => {
    news.stop();
    jest.useRealTimers();
  });

  test('not that it is on its way, but that it runs, once', () => {
    news.see(jobId, seen('pending'));
    news.see(jobId, seen('running'));
    news.see(jobId, seen('running'));
    expect(told).toEqual([seen('running')]);
  });

  test('not that it was stuck for a moment before it was placed', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    jest.advanceTimersByTime(1_000);
    news.see(jobId, seen('pending'));
    news.see(jobId, seen('running'));
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([seen('running')]);
  });

  test('that it stays stuck, as it was seen last, however often the scheduler says so', () => {
    for (let second = 0; second < 5; second++) {
      news.see(jobId, seen('pending', `look ${second}`));
      jest.advanceTimersByTime(1_000);
    }
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([seen('pending', 'look 1')]);
  });

  test('that it is no longer stuck, when that was told', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    jest.advanceTimersByTime(2_000);
    news.see(jobId, seen('pending'));
    expect(told).toEqual([seen('pending', 'no node fits'), seen('pending')]);
  });

  test('at once that it is gone, stuck or not', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    news.see(jobId, seen('gone'));
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([seen('gone')]);
  });

  test('not what its job knows', () => {
    news.knowsRunning(jobId, 'uid-1');
    news.see(jobId, seen('running'));
    expect(told).toEqual([]);
    news.see(jobId, seen('gone'));
    expect(told).toEqual([seen('gone')]);
  });

  test('not that it was stuck before its job knew that it runs', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    news.knowsRunning(jobId, 'uid-1');
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
  });

  test('nothing after it was stopped', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    news.stop();
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
  });
});
