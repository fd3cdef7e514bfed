import { describe, expect, test } from '@jest/globals';
import { gpusUsed, machineState, pricesText, signatureLeft } from '../../console/machines/machine-words.js';

const nowMs = Date.parse('2026-11-27T12:00:00.000Z');
const when = { nowMs, lossGraceS: 300 };
const ago = (seconds: number) => new Date(nowMs - seconds * 1000).toISOString();
const ahead = (seconds: number) => ago(-seconds);

const capacity = {
  gpu_count: 3,
  cpu_cores: 8,
  memory_mb: 1,
  gpu_price_per_hour: 0.5,
  total_gpus: { 'NVIDIA GeForce RTX 4090': 2, 'NVIDIA A100-SXM4-80GB': 1 },
  in_use_gpus: { 'NVIDIA GeForce RTX 4090': 1, 'NVIDIA A100-SXM4-80GB': 0 },
  available_gpus: { 'NVIDIA GeForce RTX 4090': 1, 'NVIDIA A100-SXM4-80GB': 1 },
  gpu_prices_per_hour: { 'NVIDIA GeForce RTX 4090': 0.5, 'NVIDIA A100-SXM4-80GB': 1.8 },
  gpu_price_sources: { 'NVIDIA GeForce RTX 4090': 'provider', 'NVIDIA A100-SXM4-80GB': 'operator' },
  total_cpu_cores: 8,
  available_cpu_cores: 8,
  total_memory_mb: 1,
  available_memory_mb: 1,
  total_disk_gb: 1,
  available_disk_gb: 1,
  cpu_price_per_hour: 0,
  memory_price_per_gb_hr: 0,
  storage_price_per_gb_hour: 0,
} as const;
const machine = { status: 'available', cordoned: false, drained: false, capacity, running_jobs: 0 } as const;

describe('the state of a machine in words', () => {
  test('one that serves needs no explanation', () => {
    expect(machineState(machine, when)).toEqual({ glyph: '●', word: 'available', tone: 'good' });
  });

  test('one that is silent says for how long, and what its jobs have left at least', () => {
    const silent = {
      ...machine,
      status: 'offline',
      last_heartbeat: ago(240),
      state_reason: 'not heard for 238 s',
    } as const;
    expect(machineState({ ...silent, running_jobs: 2 }, when)).toMatchObject({
      word: 'offline',
      tone: 'bad',
      because: 'not heard for 4 min; 2 jobs have at least 1 min left',
    });
    expect(machineState({ ...silent, running_jobs: 1 }, when).because).toContain('1 job has at least');
    expect(machineState(silent, when).because).toBe('not heard for 4 min');
  });

  test('the jobs of one that is silent for longer than they are kept may end at any moment', () => {
    const gone = {
      ...machine,
      status: 'offline',
      last_heartbeat: ago(400),
      state_reason: 'not heard for 400 s',
    } as const;
    expect(machineState({ ...gone, running_jobs: 2 }, when).because).toMatch(/2 jobs may end at any moment$/);
  });

  test('one that is away for another reason keeps the words of the broker', () => {
    const away = {
      ...machine,
      status: 'offline',
      state_reason: 'its driver does not answer',
      last_heartbeat: ago(5),
    } as const;
    expect(machineState(away, when).because).toBe('its driver does not answer');
  });

  test('a command that holds beside the silence is said, too', () => {
    const both = {
      ...machine,
      status: 'offline',
      last_heartbeat: ago(120),
      state_reason: 'not heard for 119 s; it takes no new jobs, by command',
    } as const;
    expect(machineState(both, when).because).toBe('not heard for 2 min; it takes no new jobs, by command');
  });

  test('one that is drained to a deadline says how many jobs run for how long', () => {
    const drains = { ...machine, status: 'busy', cordoned: true, running_jobs: 2, drain_until: ahead(4_800) } as const;
    expect(machineState(drains, when)).toMatchObject({
      word: 'cordoned',
      tone: 'warn',
      because: 'it takes no new jobs; 2 jobs run for 1 h 20 more at most',
    });
    const { drain_until: _, ...openEnd } = drains;
    expect(machineState(openEnd, when).because).toBe('it takes no new jobs; 2 jobs run on');
  });

  test('one that leaves is told from one that only takes no new jobs', () => {
    const leaves = { ...machine, status: 'busy', cordoned: true, retiring: true, running_jobs: 1 } as const;
    expect(machineState(leaves, when)).toMatchObject({
      word: 'leaving',
      because: 'it leaves after its last job; 1 job runs on',
    });
    const empty = { ...machine, status: 'busy', cordoned: true, drained: true } as const;
    expect(machineState(empty, when).word).toBe('drained');
  });

  test('one that is on its way into service is told from one that was taken out of it', () => {
    expect(machineState({ ...machine, status: 'joined' }, when)).toMatchObject({ word: 'joined', tone: 'busy' });
    expect(machineState({ ...machine, status: 'busy' }, when)).toMatchObject({ word: 'full', tone: 'good' });
  });

  test('a state that this version does not know is shown as it is', () => {
    expect(machineState({ ...machine, status: 'resting' as 'busy' }, when)).toMatchObject({
      glyph: '?',
      word: 'resting',
      tone: 'off',
    });
  });
});

describe('what a machine offers', () => {
  test('the GPUs of all types are counted together', () => {
    expect(gpusUsed(machine)).toEqual({ used: 1, total: 3, names: 'RTX 4090, A100-SXM4-80GB' });
  });

  test('prices go from the cheapest type to the dearest, and a type without a price has none', () => {
    expect(pricesText(machine)).toBe('0.50–1.80');
    const none = {
      ...capacity,
      gpu_price_sources: { 'NVIDIA GeForce RTX 4090': 'none', 'NVIDIA A100-SXM4-80GB': 'none' },
    } as const;
    expect(pricesText({ capacity: none })).toBeUndefined();
  });
});

describe('what is left of an owner’s signature', () => {
  const day = 86_400;
  test.each([
    [61 * day, '61 d', 'fine'],
    [14 * day, '14 d', 'fine'],
    [7.5 * day, '7 d', 'soon'],
    [30 * 3_600, '1 d 6 h', 'soon'],
    [-1, 'has run out', 'over'],
  ])('%s s are %s, and %s', (seconds, text, urgency) => {
    expect(signatureLeft(ahead(seconds), nowMs)).toEqual({ text, urgency });
  });

  test('a machine that does not sign has nothing to renew', () => {
    expect(signatureLeft(undefined, nowMs)).toEqual({ text: 'not signed', urgency: 'none' });
  });
});
