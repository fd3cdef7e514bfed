import { describe, expect, test } from '@jest/globals';
import type { ProviderFinding } from '../../activities/provider-assessment.js';
import { awaitsJob, heldAgainst, startFailure } from '../../workflows/job-placement.js';
import { absenceOf, recordedGap } from '../../workflows/job-service.js';
import { serviceOf, serviceTold, whatFor } from '../../workflows/provider-service.js';
import { sentence } from '../../src/domain/outside.js';

const noonMs = Date.UTC(2024, 10, 25, 12);
const finding = (rest: Partial<ProviderFinding> = {}): ProviderFinding =>
  ({ status: 'available', reason: '', cordoned: false, retiring: false, ...rest }) as ProviderFinding;

describe('what the jobs of a provider may count on', () => {
  test('jobs can count on nothing while their provider is offline, whatever else it lacks', () => {
    expect(serviceOf(finding({ status: 'offline' }))).toBe('offline');
    expect(serviceOf(finding({ status: 'offline', absence: 'gpu_lost' }))).toBe('offline');
  });

  test('jobs can count on everything but GPUs where one is lost, and on everything where none is', () => {
    expect(serviceOf(finding({ absence: 'gpu_lost' }))).toBe('gpu_lost');
    expect(serviceOf(finding())).toBe('online');
  });

  test('the service of a provider is read from what older versions carried', () => {
    expect([true, false, undefined].map(serviceTold)).toEqual(['online', 'offline', undefined]);
  });
});

describe('what an operator reads that a provider waits for', () => {
  test.each<[string, Partial<ProviderFinding>, RegExp]>([
    ['is nothing while it is in service', {}, /^nothing; it is in service$/],
    [
      'is told with the reason why its GPUs are not sold',
      { gpusReason: sentence('no driver') },
      /in service, but no driver$/,
    ],
    ['is its return', { status: 'offline', reason: 'silent' }, /^its return: silent$/],
    ['is a command, when it is cordoned', { cordoned: true }, /it is cordoned$/],
    ['is its missing GPUs before its return', { absence: 'gpu_lost', reason: 'silent' }, /^its missing GPUs/],
    [
      'is the end of its jobs before anything it lacks',
      { retiring: true, absence: 'gpu_lost' },
      /^the end of its jobs/,
    ],
    ['is its own node before all', { refused: sentence('taken'), retiring: true }, /^its own node: taken$/],
    ['is its return before the command that it also needs', { reason: 'silent', cordoned: true }, /^its return/],
  ])('what a provider waits for %s', (_, rest, words) => {
    expect(whatFor(finding(rest))).toMatch(words);
  });

  test('what a provider out of placement waits for is the next try, with the last reason where there is one', () => {
    const until = '2024-11-25T12:00:00.000Z';
    const out = { until } as NonNullable<ProviderFinding['out']>;
    expect(whatFor(finding({ out }))).toMatch(
      /^2024-11-25T12:00:00.000Z: it failed to start jobs of several customers, /,
    );
    expect(whatFor(finding({ out: { ...out, reason: 'image_pull_failed' } }))).toMatch(
      / customers \(image_pull_failed\), /,
    );
  });
});

describe('a start that failed', () => {
  const place = { providerId: 'prov-1', nodeName: 'n', pricePerHour: 1 };
  const ending = { status: 'failed', message: sentence('no') } as const;

  test('a failed start is remembered with its provider, attempt, reason and fault', () => {
    const failure = { reason: 'start_timeout', message: sentence('no') } as const;
    expect(startFailure(place, 3, { ...ending, failure, fault: 'certain' })).toEqual({
      ...{ providerId: 'prov-1', attempt: 3, reason: 'start_timeout', fault: 'certain' },
    });
  });

  test('a failed start without a reason counts as a lost provider, and without a fault as possibly its fault', () => {
    expect(startFailure(place, 1, ending)).toMatchObject({ reason: 'provider_lost', fault: 'possible' });
  });

  test('a failed start is held against the machine only where nothing else may be the cause', () => {
    const failure = startFailure(place, 1, { ...ending, fault: 'certain' });
    expect(heldAgainst(failure).fault).toBe('certain');
    expect(heldAgainst(failure, false).fault).toBe('certain');
    expect(heldAgainst(failure, true)).toEqual({ ...failure, fault: 'possible' });
  });
});

describe('a provider that waits for its jobs to leave', () => {
  const away = { atMs: noonMs, sinceMs: noonMs, final: false };

  test('a provider is told that a job has left while it is drained, or has fewer GPUs than are rented', () => {
    expect(awaitsJob({ drain: {} })).toBe(true);
    expect(awaitsJob({ away: { ...away, cause: 'gpu_lost' } })).toBe(true);
  });

  test('a provider is not told that a job has left while it is only silent, or in service', () => {
    expect(awaitsJob({ away: { ...away, cause: 'silent' } })).toBe(false);
    expect(awaitsJob({})).toBe(false);
  });
});

describe('what a customer reads of an absence', () => {
  const away = { atMs: noonMs + 20_000, sinceMs: noonMs, final: false };

  test('a customer reads what is lacking, since when, and that the time is not paid for', () => {
    expect(absenceOf({ away })).toBe(
      'the provider has not been heard since 2024-11-25T12:00:00.000Z: this time is not paid for',
    );
    expect(absenceOf({ away: { ...away, cause: 'node_not_ready' } })).toMatch(
      /^the machine of the provider has been away/,
    );
    expect(absenceOf({ away: { ...away, cause: 'gpu_lost' } })).toMatch(/^the machine has had fewer GPUs/);
  });

  test('a customer reads nothing of an absence while the provider is in service', () => {
    expect(absenceOf({})).toBe('');
    expect(absenceOf({ gap: { fromMs: noonMs, toMs: noonMs + 1, cause: 'silent' } })).toBe('');
  });

  test('the ledger gets the gap to the millisecond', () => {
    expect(recordedGap({ fromMs: noonMs, toMs: noonMs + 1_234, cause: 'silent' })).toEqual({
      ...{ from: '2024-11-25T12:00:00.000Z', to: '2024-11-25T12:00:01.234Z', cause: 'silent' },
    });
  });
});
