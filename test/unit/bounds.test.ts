import { describe, expect, test } from '@jest/globals';
import { extensionSchema } from '../../src/domain/job-extension.js';
import { jobRequestSchema } from '../../src/domain/job-request.js';
import { limitReached, limits } from '../../src/domain/limits.js';
import { sshKeys } from './api-ssh-keys.js';

const schema = jobRequestSchema({
  defaultImage: 'debian:12',
  images: { allowlist: [], requireDigest: false },
  templates: [],
  minDurationS: 60,
  maxDurationS: 30 * 86_400,
});
const duration = (hours: unknown) => {
  const read = schema.safeParse({ ssh_public_keys: [sshKeys.ed25519], duration_hours: hours });
  return read.success ? read.data.durationSeconds : 'refused';
};
const extension = (hours: unknown) => {
  const read = extensionSchema.safeParse({ additional_hours: hours });
  return read.success ? read.data.seconds : 'refused';
};

test.each([
  [1.00001, 3_601],
  ['0.01667', 61],
  // What floating point adds is no second.
  [0.1 + 0.2, 1_080],
  [1 / 60, 60],
  [0.0163, 'refused'],
  [720, 2_592_000],
  [720.0003, 'refused'],
])('an order for %p hours lasts %p seconds', (hours, seconds) => {
  expect(duration(hours)).toBe(seconds);
});

test.each([
  [2, 7_200],
  [1.00001, 3_601],
  [0.1 + 0.2, 1_080],
  [0.0000001, 1],
  [8_784, 31_622_400],
  [8_784.1, 'refused'],
  [0, 'refused'],
  [-1, 'refused'],
])('an extension by %p hours is one by %p seconds', (hours, seconds) => {
  expect(extension(hours)).toBe(seconds);
});

describe('the refusal of a limit', () => {
  const now = Date.UTC(2026, 10, 25, 12);

  test('the error of a limit names the limit and does not ask to retry too early', () => {
    const refusal = limitReached('orders', { allowed: 7, retryAfterS: 2.1 }, now);
    expect([refusal.code, refusal.status]).toEqual(['rate_limited', 429]);
    expect(refusal.detail).toBe('orders: 7 in 60 s for one wallet; try again in 3 s');
    expect(refusal.extra).toEqual({
      ...{ limit: 'orders', per: 'wallet', allowed: 7, window_s: 60 },
      ...{ retry_after_s: 3, retry_at: '2026-11-25T12:00:03.000Z' },
    });
  });

  test('the error of a limit waits at least a second, and has no window if the limit counts concurrent operations', () => {
    const refusal = limitReached('job_requests', { allowed: 2, retryAfterS: 0 }, now);
    expect(refusal.detail).toBe('requests under way: 2 at a time for one job; try again in 1 s');
    expect(refusal.extra).not.toHaveProperty('window_s');
  });

  test('limits count a client that proves its identity by that, and others by their address', () => {
    expect(Object.fromEntries(Object.entries(limits).map(([name, { per }]) => [name, per]))).toEqual({
      ...{ requests: 'address', failures: 'address', new_wallets: 'address', provider_strangers: 'address' },
      ...{ signatures: 'address', logins: 'wallet', reads: 'wallet', writes: 'wallet', orders: 'wallet' },
      ...{ unready_starts: 'wallet', provider_messages: 'provider', provider_orders: 'provider', job_requests: 'job' },
    });
  });
});
