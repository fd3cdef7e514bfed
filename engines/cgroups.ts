import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';
/** Some programs make a cgroup below that of their caller, in some hierarchies of the first version. */
const deepest = 4;

/** Removes all cgroups of a name, with those below them, and returns those that a process is still in. */
export function removeCgroups(name: string): string[] {
  return cgroupsNamed(name).filter((path) => !removeTree(path));
}

/** The cgroups of that name in all hierarchies. */
export function cgroupsNamed(name: string, folder: string = root, depth = 0): string[] {
  return foldersIn(folder).flatMap((entry) => {
    const path = join(folder, entry);
    if (entry === name) return [path];
    return depth < deepest ? cgroupsNamed(name, path, depth + 1) : [];
  });
}

/** Leaves first; false while a process that is ending still counts in one of them. */
function removeTree(path: string): boolean {
  try {
    for (const entry of foldersIn(path)) if (!removeTree(join(path, entry))) return false;
    rmdirSync(path);
    return true;
  } catch {
    return !existsSync(path);
  }
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    // It has just been removed.
    return [];
  }
}
