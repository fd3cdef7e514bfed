import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { silent } from '../../engines/log.js';
import { guardAgainstOrphans } from '../../engines/orphans.js';
import { Supervisor } from '../../engines/supervisor.js';

const folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
const guard = guardAgainstOrphans(join(folder, 'run'));
let supervisor: Supervisor;
afterEach(async () => {
  await supervisor.stopAll();
  guard.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The first restart comes after a tenth of this. */
const longerThanARestartMs = 1_000;

test('a process that is stopped while its restart is due, and started again, runs once', async () => {
  const starts = join(folder, 'starts');
  let died: () => void;
  const first = new Promise<void>((done) => (died = done));
  const options = { logFolder: join(folder, 'logs'), guard, log: silent, changed: () => undefined };
  supervisor = new Supervisor({ ...options, died: () => died() });
  const countStarts = () => readFileSync(starts, 'utf8').trim().split('\n').length;
  const script = `echo one >> ${starts}; [ $(wc -l < ${starts}) -eq 1 ] && exit 1; exec sleep 600`;
  const ready = () => (countStarts() > 1 ? Promise.resolve() : Promise.reject(new Error('not yet')));
  const starting = supervisor.start({ name: 'dies', command: '/bin/sh', args: ['-c', script], ready });
  await first;
  await supervisor.stop('dies');
  await supervisor.resume('dies');
  await starting.catch(() => undefined);
  await sleep(longerThanARestartMs);
  expect(countStarts()).toBe(2);
});
