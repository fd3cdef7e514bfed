import { join } from 'node:path';
import { expect } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { findGo } from '../../engines/tools/go-build.js';
import { run } from '../../engines/tools/run.js';
import { testUnless } from '../support/needs.js';

const go = process.platform === 'linux' ? findGo(process.env) : undefined;

testUnless(go === undefined ? 'Linux and Go 1.26 or newer' : undefined)(
  'the SSH server passes its own Go tests',
  async () => {
    const options = { cwd: join(packageRoot, 'ssh-server'), env: { ...process.env, GOWORK: 'off', GOFLAGS: '' } };
    await run(go!, ['vet', './...'], options);
    expect(await run(go!, ['test', '-count=1', '-timeout=120s', './...'], options)).toMatch(/^ok /m);
  },
  600_000,
);
