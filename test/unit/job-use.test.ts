import { expect, test } from '@jest/globals';
import { readUse } from '../../src/domain/job-use.js';

const now = new Date('2026-11-27T12:00:00Z');
const least = { version: 1, step_s: 30, gpus: [], samples: [] };
const read = (answer: object) => readUse(JSON.stringify({ ...least, ...answer }), now);

test('what a machine says is read in the broker’s time, the oldest sample first', () => {
  const use = read({
    limits: { cpu_cores: 4, memory_bytes: 1024 },
    program: { state: 'restarting', exit_code: 3, restarts: 2, since_s: 1.5, starts_in_s: 2 },
    gpus: [{ index: 0, name: 'NVIDIA A100', memory_bytes: 42 }],
    gpus_lost: { had: 2, has: 1, since_s: 60 },
    samples: [
      { age_s: 0, cpu_cores: 1.5, memory_bytes: 7, gpus: [{ index: 0, busy_percent: 97.5, power_w: 250 }] },
      { age_s: 30 },
    ],
  });
  expect(use).toEqual({
    at: now,
    stepS: 30,
    limits: { cpuCores: 4, memoryBytes: 1024 },
    program: {
      state: 'restarting',
      exitCode: 3,
      restarts: 2,
      since: new Date('2026-11-27T11:59:58.500Z'),
      startsAt: new Date('2026-11-27T12:00:02Z'),
    },
    gpus: [{ index: 0, name: 'NVIDIA A100', memoryBytes: 42 }],
    gpusLost: { had: 2, has: 1, since: new Date('2026-11-27T11:59:00Z') },
    samples: [
      { at: new Date('2026-11-27T11:59:30Z'), gpus: [] },
      { at: now, cpuCores: 1.5, memoryBytes: 7, gpus: [{ index: 0, busyPercent: 97.5, powerW: 250 }] },
    ],
  });
});

test('fields that a later server adds are left out', () => {
  expect(read({ __proto__x: 1, more: { a: 1 } })).toEqual({ at: now, stepS: 30, limits: {}, gpus: [], samples: [] });
});

test('names lose what a terminal would obey, and their length', () => {
  const use = read({
    gpus: [
      { index: 0, name: `\u001b[31mred\u202e${'x'.repeat(150)}` },
      { index: 1, name: '\u0000' },
    ],
  });
  expect(use!.gpus[0]!.name).toHaveLength(80);
  expect(use!.gpus[0]!.name).toMatch(/^\[31mredx+$/);
  expect(use!.gpus[1]).toEqual({ index: 1 });
});

test.each([
  ['no JSON', 'rubbish'],
  ['nothing', ''],
  ['another version', JSON.stringify({ ...least, version: 2 })],
  ['a list', '[]'],
  ['a number beyond all numbers', JSON.stringify(least).replace('30', '1e999')],
  ['too many samples', JSON.stringify({ ...least, samples: Array.from({ length: 241 }, () => ({ age_s: 1 })) })],
  ['a sample of the future', JSON.stringify({ ...least, samples: [{ age_s: -1 }] })],
  ['too many GPUs', JSON.stringify({ ...least, gpus: Array.from({ length: 33 }, (_, index) => ({ index })) })],
  ['more than all', JSON.stringify({ ...least, samples: [{ age_s: 1, gpus: [{ index: 0, busy_percent: 101 }] }] })],
  ['a long name', JSON.stringify({ ...least, gpus: [{ index: 0, name: 'x'.repeat(201) }] })],
  ['an unknown state', JSON.stringify({ ...least, program: { state: 'happy', restarts: 0, since_s: 0 } })],
  ['texts for numbers', JSON.stringify({ ...least, samples: [{ age_s: '1' }] })],
])('%s is not read as an answer', (_, text) => {
  expect(readUse(text, now)).toBeUndefined();
});
