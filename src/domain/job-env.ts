import type { FieldProblem } from './errors.js';

const maxVariables = 32;
const maxValueBytes = 4 * 1024;
const maxTotalBytes = 16 * 1024;
const namePattern = /^[A-Z_][A-Z0-9_]{0,63}$/;

/**
 * Names a customer may not set: they decide which GPUs the container sees, what code is loaded into the SSH server, or
 * what Kubernetes and the login say about the pod.
 */
const refusedNames = new Set([
  'BASH_ENV',
  'CUDA_VISIBLE_DEVICES',
  'ENV',
  'HOME',
  'HOSTNAME',
  'IFS',
  'LOGNAME',
  'PATH',
  'SHELL',
  'USER',
]);
const refusedPrefixes = ['GPU_DEVICE_', 'KUBERNETES_', 'LD_', 'NVIDIA_', 'SSH_', 'WORLDLAND_'];

/**
 * Everything that is wrong with the environment of a job; fields are names below `env`. Values are never repeated:
 * they may be secrets.
 */
export function envProblems(env: Readonly<Record<string, string>>): FieldProblem[] {
  const entries = Object.entries(env);
  if (entries.length > maxVariables) {
    return [{ field: 'env', message: `holds ${entries.length} variables; ${maxVariables} is the most` }];
  }
  const problems = entries.flatMap(([name, value]) => {
    const message = variableProblem(name, value);
    return message === undefined ? [] : [{ field: `env.${shown(name)}`, message }];
  });
  const total = entries.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value), 0);
  if (total > maxTotalBytes) {
    problems.push({ field: 'env', message: `is ${total} bytes together; ${maxTotalBytes} is the most` });
  }
  return problems;
}

function variableProblem(name: string, value: string): string | undefined {
  if (!namePattern.test(name)) return 'the name must match [A-Z_][A-Z0-9_]{0,63}';
  if (refusedNames.has(name) || refusedPrefixes.some((prefix) => name.startsWith(prefix))) {
    return 'is set by the broker or the GPU runtime and cannot be chosen';
  }
  if (Buffer.byteLength(value) > maxValueBytes) return `is longer than ${maxValueBytes} bytes`;
  // Neither a process environment nor the database can hold these.
  if (/[\0\p{Cs}]/u.test(value)) return 'holds a NUL or half a surrogate pair';
  return undefined;
}

/** A name as it may be repeated to the client: short and printable. */
function shown(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);
}
