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

  test('a job is told once that its pod runs, and not that it is on its way', () => {
    news.see(jobId, seen('pending'));
    news.see(jobId, seen('running'));
    news.see(jobId, seen('running'));
    expect(told).toEqual([seen('running')]);
  });

  test('a job is not told that its pod was stuck for a moment before it was scheduled', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    jest.advanceTimersByTime(1_000);
    news.see(jobId, seen('pending'));
    news.see(jobId, seen('running'));
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([seen('running')]);
  });

  test('a job is told the last observation of a pod that stays stuck, however often the scheduler repeats it', () => {
    for (let second = 0; second < 5; second++) {
      news.see(jobId, seen('pending', `look ${second}`));
      jest.advanceTimersByTime(1_000);
    }
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([seen('pending', 'look 1')]);
  });

  test('a job that was told that its pod is stuck is told when it no longer is', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    jest.advanceTimersByTime(2_000);
    news.see(jobId, seen('pending'));
    expect(told).toEqual([seen('pending', 'no node fits'), seen('pending')]);
  });

  test('a job is told at once that its pod is gone, stuck or not', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    news.see(jobId, seen('gone'));
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([seen('gone')]);
  });

  test('a job is not told what it already knows about its pod', () => {
    news.knowsRunning(jobId, 'uid-1');
    news.see(jobId, seen('running'));
    expect(told).toEqual([]);
    news.see(jobId, seen('gone'));
    expect(told).toEqual([seen('gone')]);
  });

  test('a job is not told that its pod was stuck once it knows that the pod runs', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    news.knowsRunning(jobId, 'uid-1');
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
  });

  test('a job is told nothing about its pod after the news are stopped', () => {
    news.see(jobId, seen('pending', 'no node fits'));
    news.stop();
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
  });
});
