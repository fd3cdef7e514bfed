import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startContainerEngine } from '../../engines/containers/container-engine.js';
import { findContainerPackages } from '../../engines/containers/packages.js';
import { silent } from '../../engines/log.js';
import { findNodePackages } from '../../engines/real-node/packages.js';
import { run } from '../../engines/tools/run.js';

// A process that a test kills: it starts a container engine with a container, and prints where both are.
const env = process.env;
const packages = await findContainerPackages(silent, env);
const { busybox } = await findNodePackages(silent, env);
const folder = mkdtempSync(join(tmpdir(), 'broker-compose-'));
const engine = await startContainerEngine({ folder, packages, log: silent, env });
await run('tar', ['-C', dirname(busybox), '-cf', join(folder, 'busybox.tar'), 'busybox']);
await engine.docker(['import', join(folder, 'busybox.tar'), 'busybox']);
await engine.docker(['run', '--detach', 'busybox', '/busybox', 'sleep', '1000']);
console.log(JSON.stringify({ folder, namespace: engine.namespace }));
await sleep(1_000_000);
