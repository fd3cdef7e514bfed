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

describe('a change of its provider', () => {
  test('that it went away is known with when it was said and since when it lasts', () => {
    expect(known(away(20, { since: at(5) })).away).toEqual({ atMs: atMs(20), sinceMs: atMs(5), final: false });
  });

  test('lasts since it was said where nobody says since when', () => {
    expect(known(away(20)).away).toMatchObject({ atMs: atMs(20), sinceMs: atMs(20) });
  });

  test('said again does not begin the absence anew', () => {
    const twice = known(away(20, { since: at(5) }), away(40, { since: at(30) }));
    expect(twice.away).toMatchObject({ atMs: atMs(20), sinceMs: atMs(5) });
  });

  test('that comes late says nothing', () => {
    const news = known(change(30));
    expect(afterChange(news, away(29), true)).toBe(news);
    const gone = known(away(30));
    expect(afterChange(gone, change(29), true)).toBe(gone);
  });

  test('of the same moment as the newest counts', () => {
    expect(afterChange(known(change(30)), away(30), true).away).toBeDefined();
  });

  test('leaves the time between as one that was not served, with its cause', () => {
    const back = known(away(20, { since: at(5), cause: 'node_not_ready' }), change(50));
    expect(back.away).toBeUndefined();
    expect(back.gap).toEqual({ fromMs: atMs(5), toMs: atMs(50), cause: 'node_not_ready' });
  });

  test('leaves silence as the cause where none was named', () => {
    expect(known(away(20), change(50)).gap).toMatchObject({ cause: 'silent' });
  });

  test('leaves no gap when it is back before it was away', () => {
    expect(known(away(20, { since: at(50) }), change(50))).toEqual({ changedAt: at(50) });
  });

  test('that its machine was replaced is the last word', () => {
    const news = known(away(20, { final: true }));
    expect(news.away).toMatchObject({ final: true });
    expect(afterChange(news, change(50), true)).toBe(news);
  });

  test('that it lost a GPU is none to a job without GPUs', () => {
    const lostGpu = away(20, { cause: 'gpu_lost' });
    expect(afterChange({}, lostGpu, false)).toEqual({ changedAt: at(20) });
    expect(afterChange({}, lostGpu, true).away).toMatchObject({ cause: 'gpu_lost' });
  });

  test('that it is heard again with a GPU less ends the absence of a job without GPUs', () => {
    const silent = afterChange({}, away(20), false);
    const back = afterChange(silent, away(40, { cause: 'gpu_lost' }), false);
    expect(back.away).toBeUndefined();
    expect(back.gap).toEqual({ fromMs: atMs(20), toMs: atMs(40), cause: 'silent' });
  });
});

describe('a drain of its provider', () => {
  test('says until when a job may stay, or that it may stay to its own end', () => {
    expect(afterDrain({}, drain(10, { until: at(90) })).drain).toEqual({ untilMs: atMs(90) });
    expect(afterDrain({}, drain(10)).drain).toEqual({});
  });

  test('is over when that is said later, and not when it was said before', () => {
    const draining = afterDrain({}, drain(10));
    expect(afterDrain(draining, drain(20, { draining: false })).drain).toBeUndefined();
    expect(afterDrain(draining, drain(9, { draining: false }))).toBe(draining);
  });

  test('takes another end with the newest word', () => {
    const first = afterDrain({}, drain(10, { until: at(90) }));
    expect(afterDrain(first, drain(20, { until: at(50) })).drain).toEqual({ untilMs: atMs(50) });
    expect(afterDrain(first, drain(10, { until: at(50) })).drain).toEqual({ untilMs: atMs(50) });
  });

  test('leaves what is known of an absence', () => {
    expect(afterDrain(known(away(5)), drain(10)).away).toMatchObject({ atMs: atMs(5) });
  });
});

describe('a job and its provider part', () => {
  test('never, as far as is known, while it serves', () => {
    expect(tie().partsAtMs()).toBe(Infinity);
  });

  test('when the grace is over that begins as the job is told', () => {
    const provider = tie();
    provider.hear(away(20, { since: at(5) }));
    expect(provider.partsAtMs()).toBe(atMs(20 + graceS));
  });

  test('at once when its machine was replaced', () => {
    const provider = tie();
    provider.hear(away(20, { final: true }));
    expect(provider.partsAtMs()).toBe(0);
  });

  test('at the end of a drain, or of the grace if that is sooner', () => {
    const provider = tie();
    provider.hearDrain(drain(10, { until: at(70) }));
    expect(provider.partsAtMs()).toBe(atMs(70));
    provider.hear(away(20));
    expect(provider.partsAtMs()).toBe(atMs(70));
    provider.hearDrain(drain(30, { until: at(3_000) }));
    expect(provider.partsAtMs()).toBe(atMs(20 + graceS));
  });

  test('not by a drain without an end', () => {
    const provider = tie();
    provider.hearDrain(drain(10));
    expect(provider.partsAtMs()).toBe(Infinity);
  });

  test('with the end of the drain as the reason, once that has come', async () => {
    const provider = tie();
    provider.hearDrain(drain(10, { until: at(70) }));
    await expect(provider.parting({ providerId: 'prov-1', nodeName: 'n', pricePerHour: 1 })).resolves.toMatchObject({
      status: 'cancelled',
      failure: { reason: 'provider_drained' },
    });
  });

  test('with the loss as the reason, where its machine was replaced', async () => {
    const provider = tie();
    provider.hear(away(20, { final: true, since: at(5) }));
    await expect(provider.parting({ providerId: 'prov-1', nodeName: 'n', pricePerHour: 1 })).resolves.toMatchObject({
      status: 'provider_lost',
      lastSeenMs: atMs(5),
    });
  });

  test('for no reason while it serves, or has time left', async () => {
    const provider = tie();
    const place = { providerId: 'prov-1', nodeName: 'n', pricePerHour: 1 };
    await expect(provider.parting(place)).resolves.toBeUndefined();
    provider.hearDrain({ draining: true, at: at(0), until: new Date(Date.now() + 3_600_000).toISOString() });
    provider.hear({ online: false, at: new Date().toISOString() });
    await expect(provider.parting(place)).resolves.toBeUndefined();
  });
});

describe('what was not served', () => {
  test('is kept until it is written down, each time once', () => {
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
  test('are another object only after something was heard', () => {
    const provider = tie();
    const before = provider.news();
    expect(provider.news()).toBe(before);
    provider.hear(change(10));
    expect(provider.news()).not.toBe(before);
  });

  test('that the job is not at are not heard', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.hear(away(20, { providerId: 'prov-2' }));
    provider.hearDrain(drain(20, { providerId: 'prov-2' }));
    expect(provider.news()).toEqual({});
    provider.hear(away(20, { providerId: 'prov-1' }));
    expect(provider.news().away).toBeDefined();
  });

  test('that name no provider are of the one the job is at', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.hear(away(20));
    expect(provider.news().away).toBeDefined();
  });

  test('are forgotten when the job leaves, with what was not served there', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.hear(away(20));
    provider.hear(change(30));
    provider.hearDrain(drain(30, { until: at(90) }));
    provider.leave();
    expect(provider.news()).toEqual({});
    expect(provider.gaps()).toEqual([]);
    expect(provider.partsAtMs()).toBe(Infinity);
  });

  test('that come between two machines count for the next one, once the job knows which that is', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.leave();
    provider.hear(away(20, { providerId: 'prov-2' }));
    provider.hear(away(25, { providerId: 'prov-1' }));
    provider.hear(away(26));
    expect(provider.news()).toEqual({});
    provider.placed('prov-2');
    expect(provider.news().away).toMatchObject({ atMs: atMs(20) });
  });

  test('of the machine that was left are not heard any more after the job has moved', () => {
    const provider = tie({ placedAt: 'prov-1' });
    provider.leave();
    provider.placed('prov-2');
    provider.hear(away(20, { providerId: 'prov-1' }));
    expect(provider.news()).toEqual({});
    provider.hear(away(21, { providerId: 'prov-2' }));
    expect(provider.news().away).toBeDefined();
  });

  test('of a lost GPU are none to a job without GPUs', () => {
    const provider = tie({ gpuCount: 0 });
    provider.hear(away(20, { cause: 'gpu_lost' }));
    expect(provider.partsAtMs()).toBe(Infinity);
    const withGpus = tie({ gpuCount: 1 });
    withGpus.hear(away(20, { cause: 'gpu_lost' }));
    expect(withGpus.partsAtMs()).toBe(atMs(20 + graceS));
  });
});
