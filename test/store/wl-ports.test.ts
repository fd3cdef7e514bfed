import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generatePrivateKey } from 'viem/accounts';
import { putProvider } from '../support/fleet.js';
import { startWlBroker, type WlBroker } from '../support/wl-broker.js';
import { startWl, type RunOptions, type Wl } from '../support/wl.js';

let broker: WlBroker;
let wl: Wl;
beforeAll(async () => {
  broker = await startWlBroker();
  await putProvider(broker.database.pool, {
    providerId: 'borealis',
    gpuPrice: 0.5,
    gpus: { model: 'NVIDIA GeForce RTX 4090', count: 8 },
  });
  wl = await startWl({ WORLDLAND_API: broker.api.url });
  await run('login --wallet env --spend-limit 1000', { env: { WALLET_PRIVATE_KEY: generatePrivateKey() } });
});
afterAll(async () => {
  wl?.remove();
  await broker?.stop();
});
const run = (line: string, options: RunOptions = {}) => wl.run(line.split(' '), options);

test('the templates are listed, with what they open and need', async () => {
  const { stdout, stderr } = await run('templates');
  expect(stdout).toMatch(/^ID +PORTS +NEEDS +WHAT/);
  expect(stdout).toMatch(/^jupyter +8888 /m);
  expect(stdout).toMatch(/^vllm +16 GB, CUDA 12\.8 +A model server/m);
  expect(stderr).toContain('wl up 4090 --template pytorch');
  expect((await run('templates -q')).stdout.split('\n')).toContain('jupyter');
});

test('a job by a template says where it is opened, and how to reach it encrypted', async () => {
  const up = await run('up 4090 --template jupyter --port 5353:dns:udp --name lab');
  expect(up.code).toBe(0);
  const url = /http:\/\/198\.18\.0\.1:31001\/lab\?token=[0-9a-f]{32}/;
  expect(up.stdout).toMatch(url);
  expect(up.stdout).toContain('dns 198.18.0.1:31000');
  expect((await run('show lab')).stdout).toMatch(url);

  const ports = await run('ports lab');
  expect(ports.stdout).toMatch(/^NAME +PORT +PROTOCOL +AT +URL/);
  expect(ports.stderr).toContain('http is not encrypted');
  expect(ports.stdout).toContain('ssh -N -L 8888:localhost:8888 -p 30000 root@198.18.0.1\n');
  expect(ports.stdout).toMatch(/http:\/\/localhost:8888\/lab\?token=[0-9a-f]{32}\n/);
  expect(JSON.parse((await run('ports lab --json')).stdout)).toMatchObject({
    endpoints: [{ name: 'dns' }, { name: 'jupyter' }],
    ssh: expect.stringContaining('-L 8888'),
  });
  await run('down lab -y');
  expect((await run('ports lab')).code).not.toBe(0);
});

test('a password is shown beside the page that asks for it', async () => {
  await run('up 4090 --template code-server --name code');
  expect((await run('ports code')).stdout).toMatch(/^password [0-9a-f]{32}$/m);
});

test('a port that cannot be meant is refused before anything is asked', async () => {
  for (const word of ['web', '8888:Web', '8888:web:ftp', '123456']) {
    const { code, stderr } = await run(`up 4090 --port ${word}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining('8888:web')]);
  }
});
