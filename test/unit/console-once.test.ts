import { describe, expect, test } from '@jest/globals';
import { untilGone } from '../../console/live/gone.js';
import { createOnce, intentionOf, keptInTab, newIdempotencyKey } from '../../console/live/once.js';
import { outcomeOf } from '../../console/live/outcome.js';
import { WorldLandError } from '../../src/client/errors.js';

const failure = (code: string, status = 0) => new WorldLandError(code, '', { status });
class WalletRefusal extends Error {
  override readonly name = 'WalletRefusal';
}

describe('what a failure says about what was asked for', () => {
  test.each([
    [failure('network'), 'unknown'],
    [failure('timeout'), 'unknown'],
    [failure('aborted'), 'unknown'],
    [failure('protocol', 502), 'unknown'],
    [failure('protocol', 404), 'unknown'],
    [failure('request_timeout', 408), 'unknown'],
    [failure('internal_error', 500), 'unknown'],
    [failure('dependency_unavailable', 503), 'unknown'],
    [new TypeError('a fault of the page'), 'unknown'],
    [failure('auth_backend_unavailable', 503), 'unsent'],
    [failure('session_expired', 401), 'unsent'],
    [failure('rate_limited', 429), 'unsent'],
    [failure('not_logged_in'), 'unsent'],
    [new WalletRefusal('no'), 'unsent'],
    [failure('job_ended', 409), 'refused'],
    [failure('validation_failed', 422), 'refused'],
    [failure('spend_limit_exceeded', 403), 'refused'],
  ] as const)('%p is %s', (error, outcome) => expect(outcomeOf(error)).toBe(outcome));
});

describe('what is done once', () => {
  const wish = intentionOf('0xa', 'extend', 'job', 3_600);

  test('sends the same until it is known what became of it', async () => {
    let made = 0;
    const sent: number[] = [];
    const once = createOnce<number>();
    const run = async (error?: Error) =>
      await once
        .run(
          wish,
          () => ++made,
          async (each) => {
            sent.push(each);
            if (error !== undefined) throw error;
            return each;
          },
        )
        .catch(() => undefined);
    for (const error of [failure('network'), failure('rate_limited', 429), failure('internal', 500), undefined])
      await run(error);
    expect(sent).toEqual([1, 1, 1, 1]);
    for (const error of [failure('job_ended', 409), failure('network'), failure('job_ended', 409), undefined])
      await run(error);
    expect(sent.slice(4)).toEqual([2, 3, 3, 4]);
  });

  test('keeps what it sends before it is sent, so that a page reloaded meanwhile sends the same', async () => {
    const kept = new Map<string, number>();
    const once = createOnce<number>(kept);
    let meanwhile: number | undefined;
    await once.run(
      wish,
      () => 7,
      async () => (meanwhile = kept.get(wish)),
    );
    expect([meanwhile, kept.size]).toEqual([7, 0]);
    const refused = once.run(
      wish,
      () => 8,
      () => Promise.reject(new WalletRefusal('no')),
    );
    await expect(refused).rejects.toThrow('no');
    expect(kept.size).toBe(0);
  });

  test('runs one at a time, and another wish beside it', async () => {
    const once = createOnce<string>();
    let runs = 0;
    let finish = () => {};
    const slow = async () => {
      runs += 1;
      await new Promise<void>((resolve) => (finish = resolve));
      return runs;
    };
    const clicks = [once.run(wish, () => 'a', slow), once.run(wish, () => 'b', slow)];
    const other = once.run(
      intentionOf('0xb', 'extend', 'job', 3_600),
      () => 'c',
      async () => 'other',
    );
    expect(await other).toBe('other');
    finish();
    expect(await Promise.all(clicks)).toEqual([1, 1]);
  });

  test('is nothing if there is nothing to send', async () => {
    const once = createOnce<string>();
    const send = () => Promise.reject(new Error('is not called'));
    expect(await once.run(wish, () => undefined, send)).toBeUndefined();
  });

  test('two wishes are never written alike', () => {
    expect(intentionOf('0xa', 'b', 'c')).not.toBe(intentionOf('0xa', 'b,c'));
    expect(intentionOf(undefined, 'b')).not.toBe(intentionOf('0xa', 'b'));
    expect(newIdempotencyKey()).toMatch(/^[0-9a-f]{32}$/);
    expect(newIdempotencyKey()).not.toBe(newIdempotencyKey());
  });
});

describe('keys that are kept in the tab', () => {
  const storage = () => {
    const texts = new Map<string, string>();
    return {
      texts,
      getItem: (key: string) => texts.get(key) ?? null,
      setItem: (key: string, value: string) => void texts.set(key, value),
      removeItem: (key: string) => void texts.delete(key),
    };
  };

  test('survive a reload, and leave nothing once they are known', () => {
    const tab = storage();
    keptInTab('keys', tab).set('a', '1');
    const after = keptInTab('keys', tab);
    expect(after.get('a')).toBe('1');
    after.delete('a');
    expect([keptInTab('keys', tab).get('a'), tab.texts.size]).toEqual([undefined, 0]);
  });

  test('are as many as one person needs, and none of what somebody else wrote there', () => {
    const tab = storage();
    const kept = keptInTab('keys', tab);
    for (let at = 0; at < 60; at++) kept.set(`${at}`, 'key');
    expect((JSON.parse(tab.texts.get('keys')!) as unknown[]).length).toBe(50);
    for (const text of ['{', '{"a": 1}', '[[1, 2], ["a"], null, ["b", "2"]]', 'null']) {
      tab.texts.set('keys', text);
      expect(keptInTab('keys', tab).get('a')).toBeUndefined();
    }
    expect(keptInTab('keys', { ...tab, getItem: () => '[["b", "2"]]' }).get('b')).toBe('2');
  });

  test('are known without a storage, or with one that takes nothing', () => {
    const full = { ...storage(), setItem: () => fail() };
    const fail = (): never => {
      throw new Error('full');
    };
    for (const kept of [keptInTab('keys', full), keptInTab('keys', undefined)]) {
      kept.set('a', '1');
      expect(kept.get('a')).toBe('1');
    }
  });
});

describe('taking something away', () => {
  test('is done where nobody finds it any more, and nowhere else', async () => {
    const fails = (code: string, status: number) => untilGone(() => Promise.reject(failure(code, status)));
    await expect(fails('ssh_key_not_found', 404)).resolves.toBeUndefined();
    await expect(fails('not_found', 404)).resolves.toBeUndefined();
    await expect(fails('protocol', 404)).rejects.toThrow('protocol');
    await expect(fails('scope_denied', 403)).rejects.toThrow('scope_denied');
  });
});
