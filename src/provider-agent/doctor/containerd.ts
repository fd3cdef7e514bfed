import { dirname, join } from 'node:path';
import { namesIn, textOf, type Host } from './host.js';
import { tomlValues, type TomlValues } from './toml.js';

const configFile = '/etc/containerd/config.toml';
const defaultRoot = '/var/lib/containerd';
/** Imports may import; this many files are enough for everybody. */
const maxFiles = 50;

/** The settings of containerd; the files that it imports stand above the file that imports them. */
export interface ContainerdSettings {
  values: TomlValues;
  hasFile: boolean;
  /** The folder of images and of what containers write. */
  root: string;
}

/** @throws Unseen */
export function containerdSettings(host: Host): ContainerdSettings {
  const values = new Map<string, string | boolean | string[]>();
  const read = new Set<string>();
  const waiting = [configFile];
  while (waiting.length > 0 && read.size < maxFiles) {
    const file = waiting.shift()!;
    if (read.has(file)) continue;
    read.add(file);
    const found = tomlValues(textOf(host, file) ?? '');
    for (const [name, value] of found) values.set(name, value);
    const imports = found.get('imports');
    if (Array.isArray(imports)) waiting.push(...imports.flatMap((pattern) => filesOf(host, file, pattern)));
  }
  return { values, hasFile: textOf(host, configFile) !== undefined, root: rootIn(values) };
}

/** The snapshotter may keep what containers write in a place of its own. */
function rootIn(values: TomlValues): string {
  const snapshots = values.get('plugins.io.containerd.snapshotter.v1.overlayfs.root_path');
  const root = [snapshots, values.get('root')].find((value) => typeof value === 'string' && value.startsWith('/'));
  return typeof root === 'string' ? root : defaultRoot;
}

/** The files of an import, which may have stars in its last part. */
function filesOf(host: Host, from: string, pattern: string): string[] {
  const path = pattern.startsWith('/') ? pattern : join(dirname(from), pattern);
  const [folder, name] = [dirname(path), path.slice(dirname(path).length + 1)];
  if (!name.includes('*')) return [path];
  const parts = name.split('*');
  return namesIn(host, folder)
    .filter((one) => fits(one, parts))
    .sort()
    .map((one) => join(folder, one));
}

/** Whether a name consists of these parts, with anything between them. */
function fits(name: string, parts: string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
