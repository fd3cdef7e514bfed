import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { doorOpensWithinS } from '../../workflows/job-endings.js';

test('a program that nobody saw run is paid from when the SSH server lets it begin', () => {
  const door = readFileSync(new URL('../../ssh-server/door.go', import.meta.url), 'utf8');
  expect(door).toContain(`opensWithin = ${doorOpensWithinS} * time.Second`);
});
