import { describe, expect, test } from '@jest/globals';
import { stateReason, type StateFacts } from '../../src/domain/state-reason.js';

const now = Date.UTC(2026, 10, 26, 12);
const well: StateFacts = {
  ...{ status: 'available', statusReason: '', heartbeatAlive: true, lastHeartbeat: new Date(now - 5_000) },
  ...{ cordoned: false, drained: false, retiring: false },
};

describe('why a provider takes no jobs', () => {
  test.each<[string, Partial<StateFacts>, string | undefined]>([
    ['takes jobs', {}, undefined],
    ['is full', { status: 'busy' }, 'all that it offers is rented'],
    [
      'is silent',
      {
        status: 'offline',
        statusReason: 'no heartbeat',
        heartbeatAlive: false,
        lastHeartbeat: new Date(now - 240_900),
      },
      'not heard for 240 s',
    ],
    ['has no node', { status: 'offline', statusReason: 'its node is not ready' }, 'its node is not ready'],
    ['waits', { status: 'pending' }, 'its registration is being looked at'],
    ['was rejected', { status: 'rejected', statusReason: 'the version is too old' }, 'the version is too old'],
    ['may join', { status: 'approved' }, 'it may join: its agent has the command for that'],
    ['has left', { status: 'retired', cordoned: true, drained: true }, 'it has left the fleet'],
    ['is cordoned', { status: 'busy', cordoned: true }, 'it takes no new jobs, by command'],
    ['is empty', { status: 'busy', cordoned: true, drained: true }, 'it takes no new jobs, by command, and has none'],
    [
      'is drained by a time',
      { status: 'busy', cordoned: true, drainUntil: new Date(now) },
      'it takes no new jobs, by command, and its jobs end at 2026-11-26T12:00:00.000Z at the latest',
    ],
    ['leaves', { status: 'busy', cordoned: true, retiring: true }, 'it leaves the fleet after its last job'],
    ['is not offered', { notOffered: 'nobody has set a price' }, 'nobody has set a price'],
    [
      'is away and cordoned',
      { status: 'offline', statusReason: 'its node is not ready', cordoned: true },
      'its node is not ready; it takes no new jobs, by command',
    ],
  ])('a provider that %s says so', (_, facts, reason) => {
    expect(stateReason({ ...well, ...facts }, now)).toBe(reason);
  });
});
