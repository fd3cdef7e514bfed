import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { until } from '../support/until.js';

test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'temporary folders go with the process that guards them, if it dies of %s',
  async (signal) => {
    const [folder, other] = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'temporary-'))) as [string, string];
    for (const each of [folder, other]) writeFileSync(join(each, 'data'), '');
    const script = `import { guardAgainstOrphans } from ${JSON.stringify(join(packageRoot, 'engines/orphans.ts'))};
      guardAgainstOrphans(${JSON.stringify(join(folder, 'run'))}, ${JSON.stringify([folder, other])});
      console.log('guarded');
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      ...{ cwd: packageRoot, env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'] },
    });
    await once(child.stdout, 'data');
    expect([existsSync(folder), existsSync(other)]).toEqual([true, true]);
    child.kill(signal);
    await until(() => !existsSync(folder) && !existsSync(other), { name: 'both folders are gone' });
  },
);
