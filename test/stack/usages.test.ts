import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';

// What a program says when it is asked how it is used, or is used wrongly.

interface Said {
  code: number;
  out: string;
  error: string;
}

const run = (file: string, word: string) =>
  new Promise<Said>((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', file, word],
      { cwd: packageRoot, env: { ...process.env, NODE_ENV: 'test' } },
      (error, out, said) => resolve({ code: error === null ? 0 : Number(error.code), out, error: said }),
    );
  });

/** The programs of package.json that take options. */
const programs = {
  demo: 'engines/cli/demo.ts',
  stack: 'engines/cli/stack.ts',
  faucet: 'engines/cli/faucet.ts',
  'provider:simulate': 'engines/cli/simulate-provider.ts',
  'ssh-server:image': 'engines/cli/ssh-server-image.ts',
  login: 'src/cli/login.ts',
  'fuzz:vault': 'test/contracts/fuzz-vault.ts',
  bench: 'test/bench/bench.ts',
  chaos: 'test/chaos/chaos.ts',
  mutants: 'test/mutants/mutants.ts',
  histories: 'test/histories/record.ts',
  'client:build': 'scripts/build-client.ts',
  release: 'scripts/release.ts',
  'vault:deploy': 'scripts/vault-deploy.ts',
};

test.each(Object.entries(programs))('npm run %s says how it is used', async (name, file) => {
  const { scripts } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts[name]).toContain(file.replace(/\.ts$/, ''));
  const { code, out, error } = await run(file, '--help');
  expect({ code, error }).toEqual({ code: 0, error: '' });
  expect(out).toMatch(new RegExp(`^Usage: npm run ${name} -- `));
  // `text` is what some of them call the options that take one.
  const options = [
    ...readFileSync(join(packageRoot, file), 'utf8').matchAll(/'?([\w-]+)'?: (?:\{ (?:type: '|\.\.\.text\b)|text\b)/g),
  ];
  for (const [, option] of options) expect(out).toContain(`--${option}`);
});

test.each(Object.entries(programs))('npm run %s says what is wrong, and how it is used', async (_, file) => {
  const { code, out, error } = await run(file, '--nonsense');
  expect(code).toBeGreaterThan(0);
  expect(out).toBe('');
  expect(error).toMatch(/--nonsense/);
  expect(error).toContain('Usage: npm run');
  expect(error).not.toMatch(/^\s+at /m);
});
