import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { dockerArchive } from '../../engines/images/docker-archive.js';
import { tar } from '../../engines/images/tar.js';

describe('an image made without a container runtime', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'image-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const source = {
    name: 'example.org/tool:1',
    architecture: 'amd64',
    entries: [
      { path: 'bin', folder: true as const },
      { path: 'bin/tool', content: Buffer.from('tool'), mode: 0o755 },
      { path: 'bin/alias', linkTo: 'tool' },
      { path: 'etc.conf', content: Buffer.alloc(1_000, 'x') },
    ],
    entrypoint: ['/bin/tool'],
  };

  test('an image archive is identical for identical sources', () => {
    expect(dockerArchive(source).archive.equals(dockerArchive(source).archive)).toBe(true);
  });

  test('an image archive contains the files with their modes and links, as tar reads them', () => {
    writeFileSync(join(folder, 'layer.tar'), tar(source.entries));
    execFileSync('tar', ['-xf', 'layer.tar'], { cwd: folder });
    const listed = execFileSync('tar', ['-tvf', 'layer.tar'], { cwd: folder, encoding: 'utf8' });
    expect(listed).toMatch(/^drwxr-xr-x .* bin\/$/m);
    expect(listed).toMatch(/^-rwxr-xr-x .* bin\/tool$/m);
    expect(listed).toMatch(/^lrwxrwxrwx .* bin\/alias -> tool$/m);
    expect(readFileSync(join(folder, 'bin/alias'), 'utf8')).toBe('tool');
    expect(readFileSync(join(folder, 'etc.conf'), 'utf8')).toBe('x'.repeat(1_000));
  });

  test('an image archive names its configuration and its layer by their content', () => {
    const { archive, imageId } = dockerArchive(source);
    writeFileSync(join(folder, 'image.tar'), archive);
    execFileSync('tar', ['-xf', 'image.tar'], { cwd: folder });
    const [manifest] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as [
      { Config: string; RepoTags: string[]; Layers: string[] },
    ];
    const digest = (path: string) => execFileSync('sha256sum', [join(folder, path)], { encoding: 'utf8' }).slice(0, 64);
    expect(manifest.RepoTags).toEqual(['example.org/tool:1']);
    expect(`sha256:${digest(manifest.Config)}`).toBe(imageId);
    const config = JSON.parse(readFileSync(join(folder, manifest.Config), 'utf8')) as {
      rootfs: { diff_ids: string[] };
      config: { Entrypoint: string[] };
    };
    expect(config.rootfs.diff_ids).toEqual(manifest.Layers.map((layer) => `sha256:${digest(layer)}`));
    expect(config.config.Entrypoint).toEqual(['/bin/tool']);
  });
});
