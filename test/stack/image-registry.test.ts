import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { demoImages, imageThatNeverComes } from '../../engines/demo/images.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { jobVariables } from '../../src/config/jobs.js';
import { parseImage } from '../../src/domain/image.js';
import { shippedTemplates } from '../../src/domain/shipped-templates.js';
import { createImageResolver, type ImageResolver } from '../../src/registry/resolver.js';

let dataDir: string;
let stack: Stack;
let resolver: ImageResolver;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'image-registry-'));
  stack = await startStack({ dataDir, isTemporary: true, engines: [], images: demoImages });
  const { registry } = stack.endpoints();
  const mirrors = new Map(['docker.io', 'quay.io'].map((name) => [name, registry!]));
  resolver = createImageResolver({ plain: [], isNamed: () => false, mirrors, patienceMs: 30_000 });
}, 600_000);
afterAll(async () => {
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const resolve = (name: string) => resolver.resolve({ image: parseImage(name), architecture: 'amd64' });

test('the registry of the demo has what people order there without naming an image, and every template’s image', async () => {
  const names = [
    jobVariables.JOB_DEFAULT_IMAGE.parse(undefined),
    imageThatNeverComes,
    ...shippedTemplates.map(({ image }) => image),
  ];
  for (const name of names) expect([name, await resolve(name)]).toMatchObject([name, { kind: 'resolved' }]);
});

test('the registry of the demo shows an image’s digest, size and entrypoint', async () => {
  expect(await resolve('docker.io/vllm/vllm-openai:v0.11.0')).toMatchObject({
    image: {
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      sizeBytes: 9_600_000_000,
      entrypoint: ['vllm', 'serve'],
    },
  });
});

test('an image that the registry of the demo does not have is refused', async () => {
  expect(await resolve('docker.io/library/debain:12')).toMatchObject({ kind: 'refused', code: 'image_not_found' });
});
