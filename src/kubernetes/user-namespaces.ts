import type { V1Node } from '@kubernetes/client-node';

/** From here on Linux maps the owners of files in memory too, and a job's keys and shared memory are such. */
const [oldestMajor, oldestMinor] = [6, 3];

/**
 * Whether a node runs a pod in a user namespace of its own, in which root is nobody outside: its runtime says so, for the
 * handler that jobs run under, and its kernel is new enough, which the kubelet does not look at before it says yes.
 *
 * @param handler the RuntimeClass of jobs, as far as its handler is named like it.
 */
export function hasUserNamespaces({ status }: V1Node, handler = ''): boolean {
  const found = status?.runtimeHandlers?.find(({ name }) => (name ?? '') === handler);
  return found?.features?.userNamespaces === true && mapsMounts(status?.nodeInfo?.kernelVersion ?? '');
}

/** What names no version is taken at its runtime's word. */
function mapsMounts(kernelVersion: string): boolean {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})/.exec(kernelVersion) ?? [];
  if (major === undefined) return true;
  return Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
}
