import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Resource } from '../../console/live/resource.js';
import { WorldLandError } from '../../src/client/index.js';

let nowMs = 0;
let timers: { call(): void; atMs: number }[] = [];
const around = {
  nowMs: () => nowMs,
  setTimer(call: () => void, afterMs: number) {
    const timer = { call, atMs: nowMs + afterMs };
    timers.push(timer);
    return () => void (timers = timers.filter((each) => each !== timer));
  },
  random: () => 1,
};
beforeEach(() => {
  nowMs = 1_000_000;
  timers = [];
});

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Lets time pass, timer by timer. */
async function pass(ms: number): Promise<void> {
  const untilMs = nowMs + ms;
  await settled();
  for (;;) {
    const [next] = timers.filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs);
    if (next === undefined) break;
    nowMs = next.atMs;
    timers = timers.filter((each) => each !== next);
    next.call();
    await settled();
  }
  nowMs = untilMs;
}

/** A resource whose readings are answered one after the other; the last answer stays. */
function reading(answers: unknown[], everyMs?: number) {
  const asked: number[] = [];
  const load = async () => {
    asked.push(nowMs - 1_000_000);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { resource: new Resource(load, { everyMs }, around), asked };
}

const away = () => new WorldLandError('network', 'no connection', { retryable: true });

describe('what is read again and again', () => {
  test('nothing is read before somebody looks', async () => {
    const { resource, asked } = reading(['a'], 1_000);
    await pass(5_000);
    expect([asked, resource.state.value.loading, resource.state.value.data]).toEqual([[], true, undefined]);
  });

  test('it is read after its time, also where the clock was set back by hours', async () => {
    const { resource, asked } = reading(['a', 'b'], 10_000);
    resource.look();
    await pass(1_000);
    resource.hold();
    nowMs -= 10 * 3_600_000;
    resource.look();
    await pass(10_000);
    expect(asked).toHaveLength(2);
  });

  test('it is read at once, then each time its age has come', async () => {
    const { resource, asked } = reading(['a', 'b', 'c'], 10_000);
    resource.look();
    await settled();
    expect(resource.state.value).toMatchObject({ data: 'a', atMs: 1_000_000, error: undefined, loading: false });
    await pass(20_000);
    expect(asked).toEqual([0, 10_000, 20_000]);
    expect(resource.state.value.data).toBe('c');
  });

  test('what was read stays when a reading fails, with its age, and readings go on with growing pauses', async () => {
    const { resource, asked } = reading(['a', away(), away(), away(), 'b'], 10_000);
    resource.look();
    await pass(10_000);
    expect(resource.state.value).toMatchObject({ data: 'a', atMs: 1_000_000, error: { code: 'network' } });
    expect(resource.state.value.nextAtMs).toBe(nowMs + 1_000);
    await pass(7_000);
    expect(asked).toEqual([0, 10_000, 11_000, 13_000, 17_000]);
    expect(resource.state.value).toMatchObject({ data: 'b', error: undefined });
    await pass(10_000);
    expect(asked.at(-1)).toBe(27_000);
  });

  test('the pause never grows beyond half a minute', async () => {
    const { resource, asked } = reading([away()], 10_000);
    resource.look();
    await pass(300_000);
    const pauses = asked.slice(1).map((at, index) => at - asked[index]!);
    expect(Math.max(...pauses)).toBe(30_000);
  });

  test('a broker that says when to come again is asked then and not before', async () => {
    const limited = new WorldLandError('rate_limited', '', { status: 429, retryable: true, retryAfterS: 42 });
    const { resource, asked } = reading([limited, 'a'], 10_000);
    resource.look();
    await settled();
    expect(resource.state.value.nextAtMs).toBe(nowMs + 42_000);
    await pass(42_000);
    expect(asked).toEqual([0, 42_000]);
  });

  test.each([
    ['not found', new WorldLandError('not_found', '', { status: 404 })],
    ['no longer logged in', new WorldLandError('not_logged_in', '')],
  ])('what fails for good is not repeated by itself, but on demand: %s', async (_, error) => {
    const { resource, asked } = reading([error, 'a'], 10_000);
    resource.look();
    await pass(120_000);
    expect(asked).toEqual([0]);
    resource.reload();
    await settled();
    expect(resource.state.value.data).toBe('a');
  });

  test('nobody looks: nothing is read; somebody looks again: only what is too old is read', async () => {
    const { resource, asked } = reading(['a'], 10_000);
    resource.look();
    await settled();
    resource.hold();
    await pass(5_000);
    resource.look();
    await settled();
    expect(asked).toEqual([0]);
    resource.hold();
    await pass(60_000);
    resource.look();
    await settled();
    expect(asked).toEqual([0, 65_000]);
  });

  test('a change during a reading causes another one after it, and not two at once', async () => {
    let finish: (value: string) => void = () => undefined;
    const load = jest.fn(() => new Promise<string>((resolve) => (finish = resolve)));
    const resource = new Resource(load, {}, around);
    resource.look();
    resource.reload();
    resource.reload();
    expect(load).toHaveBeenCalledTimes(1);
    finish('before the change');
    await settled();
    expect(load).toHaveBeenCalledTimes(2);
    finish('after it');
    await settled();
    expect(load).toHaveBeenCalledTimes(2);
    expect(resource.state.value.data).toBe('after it');
  });

  test('what an action has answered is shown at once', async () => {
    const { resource } = reading(['a'], 10_000);
    resource.look();
    await settled();
    await pass(3_000);
    resource.put('b');
    expect(resource.state.value).toMatchObject({ data: 'b', atMs: nowMs });
  });

  test('who is told of failures hears each of them', async () => {
    const failed = jest.fn();
    const resource = new Resource(() => Promise.reject(away()), {}, { ...around, failed });
    resource.look();
    await pass(3_000);
    expect(failed).toHaveBeenCalledTimes(3);
  });
});
