import { describe, expect, test } from '@jest/globals';
import { actionText, detailText, hasFailed } from '../../console/operator/audit-words.js';
import { blockEnd, blockProblem } from '../../console/operator/block-values.js';
import { filterProblem, readFilter, writeFilter } from '../../console/operator/job-filter.js';
import { matchesSearch } from '../../console/operator/machine-search.js';
import { figuresOf, healthOf, lettersCount } from '../../console/operator/overview-words.js';
import { ordersFor } from '../../console/operator/provider-actions.js';
import {
  attemptsText,
  byAge,
  reasonProblem,
  stuckSince,
  waitsForText,
  webAddress,
  type StuckItem,
} from '../../console/operator/stuck-words.js';
import type { Overview } from '../../src/client/types.generated.js';

const nowMs = Date.parse('2026-11-27T12:00:00.000Z');
const overview: Overview = {
  at: '2026-11-27T12:00:00.000Z',
  jobs: { running: 41, provisioning: 2, pending: 0, ending: 0 },
  providers: { available: 4, busy: 1, offline: 1, pending: 0 },
  gpus: { total: 29, rented: 4 },
  revenue: { today: '113', '30d': '9850' },
  time_to_ssh_s: { p50: 0.2, p95: 90 },
  streams: [
    { name: 'provider:heartbeat', lag: 0, oldest_pending_s: 0, dead_letters: 3 },
    { name: 'provider:capacity', lag: 2, oldest_pending_s: 4, dead_letters: 1 },
  ],
  reconciler: { last_at: '2026-11-27T11:59:30.000Z', repairs_1h: 0, failures_1h: 0 },
  ready: { postgres: { ok: true }, redis: { ok: false, detail: 'connection refused' } },
  temporal_ui: null,
};
const money = { amount: (baseUnits: string) => `${baseUnits}u`, symbol: 'WLC' };
const nothingKnown = {
  ...overview,
  ...{ jobs: null, providers: null, gpus: null, revenue: null, time_to_ssh_s: null, streams: null, reconciler: null },
};

describe('the figures of a site', () => {
  test('each says what it counts, and what else belongs to it', () => {
    expect(figuresOf(overview, money).map(({ value, unit = '', note }) => [value, unit, note])).toEqual([
      ['41', '', '2 starting'],
      ['5', '', '1 offline'],
      ['4', 'of 29', '14 % of all'],
      ['113u', 'WLC', '30 days: 9850u WLC'],
      ['0.2 s', '', '95 of 100 within 1 min'],
    ]);
  });

  test('a part that nobody knows is no zero', () => {
    const figures = figuresOf(nothingKnown, money);
    expect(figures.map(({ value }) => value)).toEqual(['–', '–', '–', '–', '–']);
    expect(figures.filter(({ isAlarm }) => isAlarm)).toHaveLength(4);
  });

  test('a machine that is offline draws the eye', () => {
    expect(figuresOf(overview, money)[1]!.isAlarm).toBe(true);
    expect(figuresOf({ ...overview, providers: { available: 1 } }, money)[1]).toMatchObject({
      note: 'all of them',
      isAlarm: false,
    });
  });

  test('every system is well, or says what is wrong', () => {
    expect(healthOf(overview, nowMs)).toEqual([
      { name: 'postgres', isWell: true, detail: 'answers' },
      { name: 'redis', isWell: false, detail: 'connection refused' },
      { name: 'streams', isWell: true, detail: 'lag 2, the oldest for 4 s' },
      { name: 'reconciler', isWell: true, detail: '30 s ago, 0 repairs and 0 failures in an hour' },
    ]);
  });

  test('a reconciler that has stopped or fails, and entries that nobody takes, are not well', () => {
    const isWell = (changed: Partial<Overview>, name: string) =>
      healthOf({ ...overview, ...changed }, nowMs).find((each) => each.name === name)?.isWell;
    const reconciler = overview.reconciler!;
    expect(isWell({ reconciler: { ...reconciler, last_at: '2026-11-27T11:50:00.000Z' } }, 'reconciler')).toBe(false);
    expect(isWell({ reconciler: { ...reconciler, failures_1h: 1 } }, 'reconciler')).toBe(false);
    expect(isWell({ reconciler: { ...reconciler, last_at: null } }, 'reconciler')).toBe(false);
    const stream = overview.streams![0]!;
    expect(isWell({ streams: [{ ...stream, oldest_pending_s: 31 }] }, 'streams')).toBe(false);
    expect(isWell({ streams: [{ ...stream, lag: null }] }, 'streams')).toBe(false);
    expect(healthOf(nothingKnown, nowMs).filter((each) => !each.isWell)).toHaveLength(3);
  });

  test('dead letters are counted over all streams', () => {
    expect(lettersCount(overview)).toBe(4);
    expect(lettersCount(nothingKnown)).toBe(0);
  });
});

describe('what is stuck', () => {
  const item: StuckItem = {
    ...{ kind: 'job', id: 'a', state: 'provisioning', since: '', age_s: 840, waits_for: '', attempts: 9, suggest: '' },
  };

  test('it says what it has been doing for how long, and how often', () => {
    expect(stuckSince(item)).toBe('has been starting for 14 min');
    expect(stuckSince({ state: 'constructor', age_s: 5 })).toBe('is constructor for 5 s');
    expect([0, 1, 9].map(attemptsText)).toEqual(['', 'tried once', 'tried 9 times']);
  });

  test('the one that has waited longest comes first', () => {
    expect(byAge([item, { ...item, id: 'b', age_s: 900 }]).map(({ id }) => id)).toEqual(['b', 'a']);
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    '//elsewhere.example.com',
    'https://user:pass@elsewhere.example.com',
    '',
    undefined,
    7,
  ])('%j is no address that a click may open', (url) => expect(webAddress(url)).toBeUndefined());

  test('the page of a workflow is opened as the API names it', () => {
    const url = 'https://temporal.example.com/namespaces/default/workflows/job:01a2';
    expect(webAddress(url)).toBe(url);
    expect(webAddress(url.replace('https', 'http'))).toBe(url.replace('https', 'http'));
  });

  test('a reason is something that its customer can read', () => {
    expect(reasonProblem('it mines')).toBeUndefined();
    expect(reasonProblem('x'.repeat(500))).toBeUndefined();
    for (const bad of ['', '   ', 'x'.repeat(501), 'a\nb', 'a\u202eb']) expect(reasonProblem(bad)).toBeDefined();
  });
});

describe('which jobs an operator looks at', () => {
  const wallet = `0x${'a'.repeat(40)}`;

  test('a filter comes back from the address that it was written to', () => {
    const filter = { wallet, providerId: 'atlas', status: 'running', olderThanS: 300 };
    expect(readFilter(new URLSearchParams(writeFilter(filter)))).toEqual(filter);
    expect(writeFilter(readFilter(new URLSearchParams()))).toEqual({});
  });

  test('what nobody could have chosen is left out', () => {
    const typed = new URLSearchParams({ wallet: '0x1', status: 'running;drop', age: '-5' });
    expect(readFilter(typed)).toEqual({ status: 'active' });
  });

  test('a wallet is said to be wrong before anything is sent', () => {
    expect(filterProblem({ wallet: '' })).toBeUndefined();
    expect(filterProblem({ wallet })).toBeUndefined();
    expect(filterProblem({ wallet: 'atlas' })).toMatch(/40 hex digits/);
  });
});

describe('who did what', () => {
  test('an action is said in words, and one that is not known as it is', () => {
    expect(actionText('provider.drain')).toBe('drained a provider');
    expect(actionText('image.block')).toBe('blocked an image');
    expect(actionText('constructor')).toBe('constructor');
  });

  test('what else is known of it stands in one line', () => {
    expect(detailText({ deadline_s: 3_600, owner: '0x77c1', gone: null, gpu: { a: 1 } })).toBe(
      'deadline_s 3600, owner 0x77c1, gpu {"a":1}',
    );
    expect(hasFailed({ failed: 'dependency_unavailable' })).toBe(true);
    expect(hasFailed({})).toBe(false);
  });
});

describe('providers as an operator finds them', () => {
  const provider = {
    ...{ provider_id: 'demo-atlas', wallet_addr: '0xAb12', region: 'kr-11', node_name: 'p-demo-atlas-1' },
    capacity: { total_gpus: { 'NVIDIA GeForce RTX 4090': 4 } } as never,
  };

  test.each(['', 'atlas', 'ATLAS 4090', 'ab12', 'kr-11'])('“%s” finds it', (search) => {
    expect(matchesSearch(provider, search)).toBe(true);
  });

  test.each(['borealis', 'atlas h100'])('“%s” does not', (search) =>
    expect(matchesSearch(provider, search)).toBe(false),
  );

  test('what may be done fits the state', () => {
    const serves = { status: 'available', cordoned: false, approval_needed: false } as const;
    expect(ordersFor(serves)).toEqual(['cordon', 'drain', 'forgive', 'retire', 'block']);
    expect(ordersFor({ ...serves, cordoned: true })[0]).toBe('uncordon');
    expect(ordersFor({ ...serves, status: 'pending', approval_needed: true })[0]).toBe('approve');
    expect(ordersFor({ ...serves, retiring: true })).toEqual(['retire', 'block']);
    expect(ordersFor({ ...serves, status: 'retired', blocked: { reason: '', until: null } })).toEqual([]);
  });
});

describe('blocks', () => {
  test.each([
    ['wallet', `0x${'a'.repeat(40)}`],
    ['provider', 'my-machine'],
    ['image', 'docker.io/evil/*'],
  ] as const)('a %s may be blocked', (kind, value) => expect(blockProblem(kind, value)).toBeUndefined());

  test.each([
    ['wallet', 'atlas'],
    ['provider', 'My machine'],
    ['image', 'two words'],
    ['image', ' '],
  ] as const)('a %s of another form is said to be wrong: %j', (kind, value) => {
    expect(blockProblem(kind, value)).toBeDefined();
  });

  test('a block ends when it was chosen to, or never', () => {
    expect(blockEnd('day', nowMs)).toBe('2026-11-28T12:00:00.000Z');
    expect(blockEnd('never', nowMs)).toBeNull();
    expect(blockEnd('constructor', nowMs)).toBeNull();
  });
});

test('what a stuck job waits for is said in words where its details name a code, and as it is elsewhere', () => {
  expect(waitsForText('stuck, image_pull_failed: nginx:9: Back-off')).toBe(
    'The container image cannot be pulled: nginx:9: Back-off',
  );
  for (const other of ['waiting for the pod on n to answer', 'stuck, no_code_of_ours: x', 'stuck, constructor: x'])
    expect(waitsForText(other)).toBe(other);
});
