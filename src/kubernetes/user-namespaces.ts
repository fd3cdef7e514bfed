import type { V1Node } from '@kubernetes/client-node';

/** From this version on, Linux also maps owners of files in memory, which include a job's keys and shared memory. */
const [oldestMajor, oldestMinor] = [6, 3];

/**
 * Whether a node runs a pod in its own user namespace, in which root has no rights outside. Its runtime must support
 * that for the jobs' handler, and its kernel must be new enough, which the kubelet does not check before it reports
 * support.
 *
 * @param handler the RuntimeClass of jobs, assuming its handler has the same name.
 */
export function hasUserNamespaces({ status }: V1Node, handler = ''): boolean {
  const found = status?.runtimeHandlers?.find(({ name }) => (name ?? '') === handler);
  return found?.features?.userNamespaces === true && mapsMounts(status?.nodeInfo?.kernelVersion ?? '');
}

/** If the kernel version is unreadable, trust the runtime. */
function mapsMounts(kernelVersion: string): boolean {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})/.exec(kernelVersion) ?? [];
  if (major === undefined) return true;
  return Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
}
