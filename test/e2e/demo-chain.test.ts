import { afterAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseUnits } from 'viem';
import type { Endpoints } from '../../engines/engine.js';
import { packageRoot } from '../../engines/paths.js';
import { testUnless } from '../support/needs.js';
import { until } from '../support/until.js';
import { missingAnvil } from '../support/vault-chain.js';

const adds = 'It adds up to the unit, and the vault holds what it owes.';
const explained = 'settlement 2 is explained to the unit';
const dataDir = mkdtempSync(join(tmpdir(), 'demo-chain-'));
const started = new Set<ReturnType<typeof spawn>>();
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

/** The demo as somebody starts it, whose terminal has 80 columns. */
function startDemo(...options: string[]) {
  const program = join(packageRoot, 'dist/engines/cli/demo.js');
  const child = spawn(process.execPath, [program, '--chain', '--data', dataDir, ...options], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (text += part.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, ended, said: () => text };
}

/** @throws Error with the step that failed in its first line, because a summary may show no more, and then all that was said. */
function requireSaid(text: string, words: string) {
  if (text.includes(words)) return;
  const failed = /^ *✗ .*(?:\n.*){0,2}/m.exec(text)?.[0].replace(/\s+/g, ' ') ?? ' no step failed';
  throw new Error(`the demo did not say “${words}”:${failed}\n${text}`);
}

/** The table of the demo: of each account what it had before and after, in units. */
function accountsIn(text: string): Record<string, { before: bigint; after: bigint }> {
  const rows = [...text.matchAll(/^ {4}([a-z, ]+?) {2,}(\d+\.\d{6}) +(\d+\.\d{6})(?: +[+-]\d+\.\d{6})?$/gm)];
  return Object.fromEntries(
    rows.map(([, name, before, after]) => [name, { before: parseUnits(before!, 6), after: parseUnits(after!, 6) }]),
  );
}

function requireSums(text: string) {
  const { together, ...accounts } = accountsIn(text);
  const sum = (of: 'before' | 'after') => Object.values(accounts).reduce((total, account) => total + account[of], 0n);
  expect(together).toEqual({ before: sum('before'), after: sum('after') });
  expect(together!.before).toBe(together!.after);
  expect(accounts['provider, in the vault']!.after).toBe(0n);
  expect(accounts['provider, in the wallet']!.after).toBeGreaterThan(accounts['provider, in the wallet']!.before);
  expect(accounts['treasury, in the vault']!.after).toBeGreaterThan(accounts['treasury, in the vault']!.before);
  return accounts;
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const endpointsNow = () => JSON.parse(readFileSync(join(dataDir, 'endpoints.json'), 'utf8')) as Endpoints;

testUnless(missingAnvil())(
  'the demo on a chain shows what everybody has, to the unit, again at the next start, and leaves nothing behind',
  async () => {
    const first = startDemo('--once');
    const code = await first.ended;
    const text = first.said();
    requireSaid(text, adds);
    expect({ code, text }).toMatchObject({ code: 0 });
    for (const words of [
      'deposits them in the vault',
      'is proposed',
      'the guardian recomputes',
      'is executed',
      'the provider withdraws',
    ])
      expect(text).toMatch(new RegExp(`✓ .*${words}`));
    requireSaid(text, 'the guardian, a program of its own, looks at each settlement');
    requireSaid(text, 'the guardian says: settlement 1 is explained to the unit');
    const accounts = requireSums(text);
    expect(Object.keys(accounts)).toHaveLength(5);
    expect(accounts['customer, in the wallet']).toEqual({ before: 100_000_000n, after: 75_000_000n });
    for (const file of readdirSync(join(dataDir, 'chain')).filter((name) => name.endsWith('.key')))
      expect(text).not.toContain(
        readFileSync(join(dataDir, 'chain', file), 'utf8')
          .trim()
          .slice(2),
      );
    const wide = text
      .split('\n')
      .filter((line) => /[─✓]|tokens|block|settle|vault|job cost/.test(line) && line.length > 80);
    expect(wide).toEqual([]);
    expect(existsSync(join(dataDir, 'endpoints.json'))).toBe(false);

    const second = startDemo();
    await until(() => second.said().includes('all addresses') || second.child.exitCode !== null, {
      name: 'the demo runs again',
      budgetMs: 240_000,
      timeoutMs: 500_000,
    });
    for (const words of [adds, 'Running until Ctrl-C', 'npm run faucet -- 0x…', explained])
      requireSaid(second.said(), words);
    requireSums(second.said());
    const closing = second.said().slice(second.said().indexOf('Running until Ctrl-C'));
    expect(closing.split('\n').filter((line) => line.length > 80)).toEqual([]);
    const { pids: named, guardian } = endpointsNow();
    expect((await fetch(`${guardian}/ready`)).status).toBe(200);
    const pids = Object.values(named);
    expect(Object.keys(named)).toContain('guardian');
    expect(pids.length).toBeGreaterThan(8);
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(130);
    expect(pids.filter(isAlive)).toEqual([]);
  },
  900_000,
);

test('the demo says in its help that it has a chain', async () => {
  const { ended, said } = startDemo('--help');
  expect(await ended).toBe(0);
  expect(said()).toMatch(/^ {2}--chain {2,}\S/m);
  expect(
    said()
      .split('\n')
      .filter((line) => line.length > 80),
  ).toEqual([]);
});
