import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { configFile } from '../../src/cli/files/config.js';
import { configFolder } from '../../src/cli/files/folder.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wl-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('settings are kept in a file for its owner alone, in a folder for its owner alone', () => {
  const own = join(folder, 'worldland');
  const file = configFile(own);
  expect(file.read()).toEqual({});
  file.change({ api: 'https://broker.example.com', hours: 4 });
  file.change({ hours: undefined, ssh_config: 'no' });
  expect(file.read()).toEqual({ api: 'https://broker.example.com', ssh_config: 'no' });
  expect([mode(own), mode(file.path)]).toEqual(['700', '600']);
});

test('a file that others may read is refused, with what to type', () => {
  const file = configFile(folder);
  file.change({ hours: 4 });
  chmodSync(file.path, 0o640);
  expect(() => file.read()).toThrow('others may read');
  expect(() => file.change({ hours: 5 })).toThrow(
    expect.objectContaining({ exitCode: 2, remedy: `chmod 600 '${file.path}'` }),
  );
  expect(readFileSync(file.path, 'utf8')).toContain('4');
});

test('a file that is no JSON, or has a value that cannot be, is named with it', () => {
  const file = configFile(folder);
  const put = (text: string) => writeFileSync(file.path, text, { mode: 0o600 });
  put('{');
  expect(() => file.read()).toThrow('is not JSON');
  put('[]');
  expect(() => file.read()).toThrow('is not a JSON object');
  put('{"hours": "many"}');
  expect(() => file.read()).toThrow('"hours" must be a number of hours');
  put('{"hours": 2, "of_a_newer_version": true}');
  expect(file.read()).toEqual({ hours: 2 });
});

test('the folder is that of the environment, else the usual one; a relative one is ignored', () => {
  expect(configFolder({ WORLDLAND_CONFIG_DIR: '/a' })).toBe('/a');
  expect(configFolder({ XDG_CONFIG_HOME: '/b' })).toBe('/b/worldland');
  expect(configFolder({ XDG_CONFIG_HOME: 'relative' })).toMatch(/\/\.config\/worldland$/);
  expect(existsSync(join(folder, 'nothing'))).toBe(false);
});
