import { describe, expect, test } from '@jest/globals';
import type { ProviderChange, ProviderDrain, ProviderNews } from '../../workflows/job-messages.js';
import { afterChange, afterDrain, createProviderWatch } from '../../workflows/provider-watch.js';

const startMs = Date.UTC(2024, 10, 25, 12);
/** So many seconds later. */
const at = (seconds: number) => new Date(startMs + seconds * 1000).toISOString();
const atMs = (seconds: number) => startMs + seconds * 1000;

const change = (seconds: number, rest: Partial<ProviderChange> = {}): ProviderChange => ({
  at: at(seconds),
  online: true,
  ...rest,
});
const away = (seconds: number, rest: Partial<ProviderChange> = {}) => change(seconds, { online: false, ...rest });
const drain = (seconds: number, rest: Partial<ProviderDrain> = {}): ProviderDrain => ({
  at: at(seconds),
  draining: true,
  ...rest,
});

/** What a job with GPUs knows after these. */
const known = (...changes: ProviderChange[]) =>
  changes.reduce<ProviderNews>((news, next) => afterChange(news, next, true), {});

const graceS = 60;
const tie = ({ gpuCount = 1, placedAt }: { gpuCount?: number; placedAt?: string } = {}) =>
  createProviderWatch({}, { providerLossGraceS: graceS }, { gpuCount }, placedAt);

describe('a change of a job’s provider', () => {
  test('an absence is known with when it was reported and since when it lasts', () => {
    expect(known(away(20, { since: at(5) })).away).toEqual({ atMs: atMs(20), sinceMs: atMs(5), final: false });
  });

  test('an absence without a beginning lasts since it was reported', () => {
    expect(known(away(20)).away).toMatchObject({ atMs: atMs(20), sinceMs: atMs(20) });
  });

  test('an absence that is reported again does not begin anew', () => {
    const twice = known(away(20, { since: at(5) }), away(40, { since: at(30) }));
    expect(twice.away).toMatchObject({ atMs: atMs(20), sinceMs: atMs(5) });
  });

  test('a change that comes late has no effect', () => {
    const news = known(change(30));
    expect(afterChange(news, away(29), true)).toBe(news);
    const gone = known(away(30));
    expect(afterChange(gone, change(29), true)).toBe(gone);
  });

  test('a change of the same moment as the newest counts', () => {
    expect(afterChange(known(change(30)), away(30), true).away).toBeDefined();
  });

  test('the return of a provider leaves the time between as a gap with its cause', () => {
    const back = known(away(20, { since: at(5), cause: 'node_not_ready' }), change(50));
    expect(back.away).toBeUndefined();
    expect(back.gap).toEqual({ fromMs: atMs(5), toMs: atMs(50), cause: 'node_not_ready' });
  });

  test('the return of a provider leaves a silent gap where no cause was named', () => {
    expect(known(away(20), change(50)).gap).toMatchObject({ cause: 'silent' });
  });

  test('a provider that is back before it was away leaves no gap', () => {
    expect(known(away(20, { since: at(50) }), change(50))).toEqual({ changedAt: at(50) });
  });

  test('nothing counts after the news that the machine was replaced', () => {
    const news = known(away(20, { final: true }));
    expect(news.away).toMatchObject({ final: true });
    expect(afterChange(news, change(50), true)).toBe(news);
  });

  test('a lost GPU is no absence for a job without GPUs', () => {
    const lostGpu = away(20, { cause: 'gpu_lost' });
    expect(afterChange({}, lostGpu, false)).toEqual({ changedAt: at(20) });
    expect(afterChange({}, lostGpu, true).away).toMatchObject({ cause: 'gpu_lost' });
  });

  test('a provider that is heard again with a GPU less is back for a job without GPUs', () => {
    const silent = afterChange({}, away(20), false);
    const back = afterChange(silent, away(40, { cause: 'gpu_lost' }), false);
    expect(back.away).toBeUndefined();
    expect(back.gap).toEqual({ fromMs: atMs(20), toMs: atMs(40), cause: 'silent' });
  });
});

describe('a drain of its provider', () => {
  test('a drain says until when a job may stay, or that it may stay to its own end', () => {
    expect(afterDrain({}, drain(10, { until: at(90) })).drain).toEqual({ untilMs: atMs(90) });
    expect(afterDrain({}, drain(10)).drain).toEqual({});
  });

  test('a drain is over when that is reported later, and not when it was reported before', () => {
    const draining = afterDrain({}, drain(10));
    expect(afterDrain(draining, drain(20, { draining: false })).drain).toBeUndefined();
    expect(afterDrain(draining, drain(9, { draining: false }))).toBe(draining);
  });

  test('a drain takes another deadline from the newest report', () => {
    const first = afterDrain({}, drain(10, { until: at(90) }));
    expect(afterDrain(first, drain(20, { until: at(50) })).drain).toEqual({ untilMs: atMs(50) });
    expect(afterDrain(first, drain(10, { until: at(50) })).drain).toEqual({ untilMs: atMs(50) });
  });

  test('a drain leaves what is known of an absence', () => {
    expect(afterDrain(known(away(5)), drain(10)).away).toMatchObject({ atMs: atMs(5) });
  });
});

describe('the time when a job leaves its provider', () => {
  test('a job does not leave a provider in service, as far as is known', () => {
    expect(tie().nextParting().atMs).toBe(Infinity);
  });

  test('a job leaves an absent provider after the grace, which begins when the job is told', () => {
    const provider = tie();
    provider.hear(away(20, { since: at(5) }));
    expect(provider.nextParting().atMs).toBe(atMs(20 + graceS));
  });

  test('a job leaves at once when its machine was replaced', () => {
    const provider = tie();
    provider.hear(away(20, { final: true }));
    expect(provider.nextParting().atMs).toBe(0);
  });

  test('a job leaves at the end of a drain, or of the grace if that is sooner', () => {
    const provider = tie();
    provider.hearDrain(drain(10, { until: at(70) }));
    expect(provider.nextParting().atMs).toBe(atMs(70));
    provider.hear(away(20));
    expect(provider.nextParting().atMs).toBe(atMs(70));
    provider.hearDrain(drain(30, { until: at(3_000) }));
    expect(provider.nextParting().atMs).toBe(atMs(20 + graceS));
  });

  test('a job does not leave for a drain without a deadline', () => {
    const provider = tie();
    provider.hearDrain(drain(10));
    expect(provider.nextParting().atMs).toBe(Infinity);
  });

  test('a job that leaves at the end of a drain has the drain as the reason', async () => {
    const provider = tie();
    provider.hearDrain(drain(10, { until: at(70) }));
    await expect(provider.parting({ providerId: 'prov-1', nodeName: 'n', pricePerHour: 1 })).resolves.toMatchObject({
      status: 'cancelled',
      failure: { reason: 'provider_drained' },
    });
  });

  test('a job that leaves a replaced machine has the loss as the reason', async () => {
    const provider = tie();
    provider.hear(away(20, { final: true, since: at(5) }));
    await expect(provider.parting({ providerId: 'prov-1', nodeName: 'n', pricePerHour: 1 })).resolves.toMatchObject({
      status: 'provider_lost',
      lastSeenMs: atMs(5),
    });
  });

  test('a job has no reason to leave while its provider is in service, or has time left', async () => {
    const provider = tie();
    const place = { providerId: 'prov-1', nodeName: 'n', pricePerHour: 1 };
    await expect(provider.parting(place)).resolves.toBeUndefined();
    provider.hearDrain({ draining: true, at: at(0), until: new Date(Date.now() + 3_600_000).toISOString() });
    provider.hear({ online: false, at: new Date().toISOString() });
    await expect(provider.parting(place)).resolves.toBeUndefined();
  });
});

describe('time that was not served', () => {
  test('a gap is kept until it is stored, and listed once', () => {
    const provider = tie();
    provider.hear(away(20));
    provider.hear(change(30));
    provider.hear(change(40));
    const first = { fromMs: atMs(20), toMs: atMs(30), cause: 'silent' };
    expect(provider.gaps()).toEqual([first]);
    const written = provider.gaps();
    provider.hear(away(50));
    provider.hear(change(60));
    const second = { fromMs: atMs(50), toMs: atMs(60), cause: 'silent' };
    expect(provider.gaps()).toEqual([first, second]);
    provider.forgetGaps(written);
    expect(provider.gaps()).toEqual([second]);
  });
});

describe('news of a provider', () => {
  test('the news of a provider is another object only after something was heard', () => {
    const provider = tie();
    const before = provider.news();
    expect(provider.news()).toBe(before);
    provider.hear(change(10));
    expect(provider.news()).not.toBe(before);
  });

  test('a job ignores news of a provider that it is not at', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.hear(away(20, { providerId: 'prov-2' }));
    provider.hearDrain(drain(20, { providerId: 'prov-2' }));
    expect(provider.news()).toEqual({});
    provider.hear(away(20, { providerId: 'prov-1' }));
    expect(provider.news().away).toBeDefined();
  });

  test('news without a provider id is about the job’s current provider', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.hear(away(20));
    expect(provider.news().away).toBeDefined();
  });

  test('news of a provider is forgotten when the job leaves, with the gaps there', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.hear(away(20));
    provider.hear(change(30));
    provider.hearDrain(drain(30, { until: at(90) }));
    provider.leave();
    expect(provider.news()).toEqual({});
    expect(provider.gaps()).toEqual([]);
    expect(provider.nextParting().atMs).toBe(Infinity);
  });

  test('news that comes between two machines counts for the next one, once the job knows which that is', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.leave();
    provider.hear(away(20, { providerId: 'prov-2' }));
    provider.hear(away(25, { providerId: 'prov-1' }));
    provider.hear(away(26));
    expect(provider.news()).toEqual({});
    provider.placed('prov-2');
    expect(provider.news().away).toMatchObject({ atMs: atMs(20) });
  });

  test('a job that has moved ignores news of the machine that it left', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.leave();
    provider.placed('prov-2');
    provider.hear(away(20, { providerId: 'prov-1' }));
    expect(provider.news()).toEqual({});
    provider.hear(away(21, { providerId: 'prov-2' }));
    expect(provider.news().away).toBeDefined();
  });

  test('news of a lost GPU is ignored by a job without GPUs', () => {
    const provider = tie({ gpuCount: 0 });
    provider.hear(away(20, { cause: 'gpu_lost' }));
    expect(provider.nextParting().atMs).toBe(Infinity);
    const withGpus = tie({ gpuCount: 1 });
    withGpus.hear(away(20, { cause: 'gpu_lost' }));
    expect(withGpus.nextParting().atMs).toBe(atMs(20 + graceS));
  });
});
