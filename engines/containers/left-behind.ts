import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Waits until its standard input ends, which happens when the process that started it is gone for whatever reason, then
 * removes a folder and cgroups. What was killed at the same moment may hold on to both for a while.
 */
const script = `
cat >/dev/null
tries=0
while [ "$tries" -lt 300 ]; do
  find /sys/fs/cgroup -mindepth 1 -maxdepth 5 -depth -path "*/$2*" -type d -exec rmdir {} + 2>/dev/null
  rm -rf "$1" 2>/dev/null
  [ -e "$1" ] || [ -n "$(find /sys/fs/cgroup -maxdepth 4 -type d -name "$2")" ] || exit 0
  tries=$((tries + 1))
  sleep 0.1
done
exit 1
`;

/** Removes the folder and the cgroups of that name after the end of this process, however it ends, or earlier. */
export function removeAfterwards(folder: string, cgroup: string): { remove(): Promise<void> } {
  const remover = spawn('/bin/sh', ['-c', script, 'remove-afterwards', folder, cgroup], {
    // A process group of its own: Ctrl-C in the terminal does not end it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  remover.unref();
  (remover.stdin as typeof remover.stdin & { unref(): void }).unref();
  const ended = once(remover, 'exit') as Promise<[number | null]>;
  return {
    async remove() {
      remover.ref();
      remover.stdin.end();
      const [code] = await ended;
      if (code !== 0) throw new Error(`${folder} could not be removed`);
    },
  };
}
