import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { cgroupsNamed } from '../../engines/cgroups.js';
import { cgroup, link } from '../../engines/containers/container-engine.js';

/** What a container engine has on this machine, and nothing of what others do there at the same time. */
export interface EngineTraces {
  processes: string[];
  mounts: string[];
  networks: string[];
  cgroups: string[];
  folder: boolean;
}

/** The traces of an engine in that folder, whose processes have that namespace. */
export function engineTraces({ folder, namespace }: { folder: string; namespace: string }): EngineTraces {
  const lines = (text: string, words: string) => text.split('\n').filter((line) => line.includes(words));
  const inNamespace = (pid: string) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`) === namespace;
    } catch {
      // It has just ended.
      return false;
    }
  };
  return {
    processes: readdirSync('/proc').filter((name) => /^\d+$/.test(name) && inNamespace(name)),
    mounts: lines(readFileSync('/proc/self/mountinfo', 'utf8'), folder),
    networks: lines(execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }), link),
    cgroups: cgroupsNamed(cgroup),
    folder: existsSync(folder),
  };
}

export const noTraces: EngineTraces = { processes: [], mounts: [], networks: [], cgroups: [], folder: false };
