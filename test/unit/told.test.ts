import { expect, test } from '@jest/globals';
import type { JobBody } from '../chaos/requests.js';
import { keepTold, type Told } from '../chaos/told.js';

const running: JobBody = {
  ...{ job_id: 'a', status: 'running', provider_id: 'one', price_per_hour: 2 },
  ...{ ssh_host: '192.0.2.1', ssh_port: 30_000, ssh_user: 'root', ssh_host_key: 'ssh-ed25519 AAAA' },
  started_at: '2030-01-01T00:00:00.000Z',
  expires_at: '2030-01-01T01:00:00.000Z',
};
const { ssh_host: _, ssh_port: __, ssh_user: ___, ssh_host_key: ____, ...unreachable } = running;
const ended: JobBody = { ...unreachable, status: 'cancelled', ended_at: '2030-01-01T00:30:00.000Z' };

/** What is wrong with the last of these answers, after those before it. */
function wrongWithLast(...answers: JobBody[]): string[] {
  const told: Told = {};
  return answers.map((answer) => keepTold(told, answer)).at(-1)!;
}

test('nothing is wrong with a job that starts elsewhere, runs, is extended and ends', () => {
  const pending: JobBody = { job_id: 'a', status: 'pending' };
  const elsewhere: JobBody = { job_id: 'a', status: 'provisioning', provider_id: 'two', price_per_hour: 1 };
  const extended = { ...running, expires_at: '2030-01-01T02:00:00.000Z' };
  const over = { ...ended, expires_at: extended.expires_at };
  const told: Told = {};
  const answers = [pending, elsewhere, pending, running, running, extended, { ...over, status: 'ending' }, over, over];
  expect(answers.flatMap((answer) => keepTold(told, answer))).toEqual([]);
});

test.each<[string, JobBody[], string]>([
  ['goes back to waiting', [running, { ...running, status: 'pending' }], 'it was running and then pending'],
  ['ends twice', [ended, { ...ended, status: 'failed' }], 'it ended as cancelled and then as failed'],
  ['runs where nobody finds it', [unreachable], 'it runs, and is reached at'],
  ['has another host key', [running, { ...running, ssh_host_key: 'ssh-ed25519 BBBB' }], 'it was reached at'],
  ['has another price', [running, { ...running, price_per_hour: 3 }], 'its price went from 2 to 3'],
  ['is at another machine', [running, { ...running, provider_id: 'two' }], 'it went from one to two'],
  ['starts again', [running, { ...running, started_at: '2030-01-01T00:00:01.000Z' }], 'it started at'],
  [
    'loses its expiry',
    [running, { job_id: 'a', status: 'ending', provider_id: 'one', started_at: running.started_at! }],
    'its price',
  ],
  ['expires earlier', [running, { ...running, expires_at: '2030-01-01T00:59:59.999Z' }], 'its expiry moved back'],
  ['ends at another time', [ended, { ...ended, ended_at: '2030-01-01T00:30:01.000Z' }], 'it ended at'],
])('a customer is not told that his job %s', (_, answers, wrong) => {
  expect(wrongWithLast(...answers)[0]).toContain(wrong);
});

test('what the answer to an extension named holds at the next look', () => {
  const promisedMs = Date.parse(running.expires_at!) + 1;
  expect(keepTold({}, running, promisedMs)[0]).toContain('its expiry moved back');
});
