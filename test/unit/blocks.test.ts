import { expect, test } from '@jest/globals';
import { blockableNames, blockedImageName } from '../../src/domain/blocks.js';

test.each([
  ['evil/miner', 'docker.io/evil/miner'],
  ['ubuntu', 'docker.io/library/ubuntu'],
  ['index.docker.io/evil/miner:2', 'docker.io/evil/miner:2'],
  ['registry-1.docker.io/evil/miner:2', 'docker.io/evil/miner:2'],
  ['registry-1.docker.io/ubuntu', 'docker.io/library/ubuntu'],
  ['registry-1.docker.io/evil/*', 'docker.io/evil/*'],
  ['ghcr.io/evil/miner', 'ghcr.io/evil/miner'],
  ['localhost:5000/miner', 'localhost:5000/miner'],
  [`evil/miner@sha256:${'a'.repeat(64)}`, `docker.io/evil/miner@sha256:${'a'.repeat(64)}`],
  [`evil/miner:2@sha256:${'a'.repeat(64)}`, `docker.io/evil/miner@sha256:${'a'.repeat(64)}`],
  ['evil/*', 'docker.io/evil/*'],
  ['ghcr.io/*', 'ghcr.io/*'],
  ['ghcr.io/evil/deep/*', 'ghcr.io/evil/deep/*'],
])('%s is blocked as %s', (text, name) => {
  expect(blockedImageName(text)).toBe(name);
});

test.each(['', '*', '/*', 'Evil/Miner', 'evil/mi*er', 'evil/**', 'a b', 'evil/../*', '\u202eevil/miner'])(
  '%j is no image that can be blocked',
  (text) => {
    expect(() => blockedImageName(text)).toThrow();
  },
);

test.each([
  ['docker.io/evil/miner:latest', ['evil/miner', 'evil/miner:latest', 'evil/*', 'docker.io/*']],
  ['registry-1.docker.io/evil/miner:latest', ['evil/miner', 'evil/miner:latest', 'evil/*', 'docker.io/*']],
  ['registry.hub.docker.com/evil/miner:1', ['evil/miner', 'evil/*']],
  [`ghcr.io/evil/deep/miner@sha256:${'a'.repeat(64)}`, ['ghcr.io/evil/deep/miner', 'ghcr.io/evil/*', 'ghcr.io/*']],
])('%s is among what these names block: %j', (image, names) => {
  expect(blockableNames(image)).toEqual(expect.arrayContaining(names.map((name) => blockedImageName(name))));
});

test('a block of a tag, of another folder or of a longer name does not reach an image', () => {
  const names = blockableNames('docker.io/evil/miner:1');
  for (const other of ['evil/miner:2', 'evil/miner2', 'evil/miner/*', 'evi/*', 'ghcr.io/*', 'ghcr.io/evil/miner']) {
    expect(names).not.toContain(blockedImageName(other));
  }
});
