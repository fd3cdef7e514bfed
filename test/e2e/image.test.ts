import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { startBroker } from '../support/broker.js';
import { followDockerfile, readDockerfile, type Image } from '../support/dockerfile.js';
import { nodeOfImage } from '../support/image-node.js';
import { imageNode } from '../../engines/tools/image-node.js';
import { versionText } from '../../engines/tools/tool.js';
import { until } from '../support/until.js';
import { describeUnless } from '../support/needs.js';

const variable = 'BROKER_TEST_IMAGE';
const wanted = process.env[variable] === '1' || (process.env['CI'] ?? '') !== '';

const log = (line: string) => void process.stderr.write(`  ${line}\n`);

/** What Node itself says of a program that uses what will be taken away, or what is not finished. */
const warning = /^\(node:\d+\) .*/gm;

describeUnless(wanted ? undefined : `${variable}=1, because it takes minutes`)('what the Dockerfile builds', () => {
  const work = mkdtempSync(join(tmpdir(), 'broker-image-'));
  let image: Image;
  /** The program, its version, and a PATH that begins with it: what the image is made of has to load on its own Node. */
  let node: string;
  let version: string;
  let path: string;
  beforeAll(async () => {
    const found = await nodeOfImage();
    node = found.path;
    version = (await versionText(found)).trim();
    path = [dirname(node), process.env['PATH']].join(delimiter);
    const besides = found.missing === undefined ? '' : `, not on the image's ${imageNode.version}`;
    process.stderr.write(`  the Dockerfile is followed on Node ${version}${besides}\n`);
    const dockerfile = await readDockerfile(join(packageRoot, 'Dockerfile'), packageRoot);
    image = await followDockerfile(dockerfile, packageRoot, work, path, log);
  }, 1_800_000);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  test('the image starts with its own command, and says which settings are missing', async () => {
    const [program, ...args] = image.command;
    const env = { PATH: path, ...image.env };
    const ended = await new Promise<{ code: unknown; said: string }>((done) => {
      execFile(program!, args, { cwd: image.folder, env }, (error, _, stderr) =>
        done({ code: error?.code, said: stderr }),
      );
    });
    expect(ended).toEqual({ code: 78, said: expect.stringContaining('AUTH_AUDIENCE') });
    expect(ended.said.match(warning)).toBeNull();
  });

  test('the native parts in the image load on its Node', async () => {
    const loads = `require('@temporalio/core-bridge'); require('secp256k1/bindings'); console.log(process.version)`;
    const { stdout, stderr } = await promisify(execFile)(node, ['-e', loads], { cwd: image.folder });
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: version, stderr: '' });
  });

  test('the image contains nothing that only development needs', () => {
    const files = readdirSync(image.folder, { recursive: true, encoding: 'utf8' });
    const shipped = files.filter((file) => !file.startsWith('node_modules'));
    expect(shipped).toEqual(
      expect.arrayContaining(['dist/src/main.js', 'dist/pages/docs/index.html', 'dist/pages/console/sign.html']),
    );
    const development = /^(dist\/)?(engines|test|ssh-server|scripts)(\/|$)|\.tsx?$|simulat|demo/;
    expect(shipped.filter((file) => development.test(file))).toEqual([]);
    // What npm knows to be for development alone; a dependency may bring some of the same names.
    const { packages } = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean }>;
    };
    const forDevelopment = Object.keys(packages).filter((path) => packages[path]!.dev === true);
    expect(forDevelopment).toContain('node_modules/jest');
    expect(forDevelopment.filter((path) => existsSync(join(image.folder, path)))).toEqual([]);
  });

  test('the image contains everything that every role needs', async () => {
    const main = join(image.folder, image.command.at(-1)!);
    const program = { BROKER_NODE: node, BROKER_MAIN: main };
    const broker = await startBroker({ ...image.env, PROVIDER_PRIVATE_CIDRS: '198.18.0.0/15', ...program });
    try {
      for (const url of Object.values(broker.endpoints.metrics!)) {
        expect(await (await fetch(url)).text()).toContain(`nodejs_version_info{version="${version}"`);
      }
      await broker.provider({ providerId: 'aground' }).joined;
      for (const page of ['/docs/', '/docs/errors/no_capacity', '/console/sign', '/llms.txt']) {
        expect([page, (await fetch(new URL(page, broker.endpoints.api))).status]).toEqual([page, 200]);
      }
      const customer = await broker.customer();
      await until(async () => {
        const { body } = await customer.request('GET', '/api/v1/providers/aground');
        return (body as { status?: string }).status === 'available';
      });
      const { body } = await customer.request(
        'POST',
        '/api/v1/jobs',
        { gpu_type: 'RTX 4090', gpu_count: 1, duration_hours: 1, ssh_public_keys: [sshKey] },
        { prefer: 'wait=60' },
      );
      expect(body).toMatchObject({ status: 'running' });
      expect(broker.logs().match(warning)).toBeNull();
    } finally {
      await broker.stop();
    }
  }, 900_000);
});

const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
