import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isReachable } from '../../src/kubernetes/client.js';

test('a process has a cluster when its kubeconfig has anything in it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  try {
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, 'apiVersion: v1');
    expect(isReachable({ KUBECONFIG: file })).toBe(true);
    writeFileSync(file, '');
    expect(isReachable({ KUBECONFIG: file })).toBe(false);
    expect(isReachable({ KUBECONFIG: '/dev/null' })).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a kubeconfig that is missing counts as given, so that the start says what is wrong with it', () => {
  expect(isReachable({ KUBECONFIG: '/nowhere/kubeconfig' })).toBe(true);
});
