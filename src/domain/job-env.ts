import type { FieldProblem } from './errors.js';

const maxVariables = 32;
const maxValueBytes = 4 * 1024;
const maxTotalBytes = 16 * 1024;
const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/**
 * Names a customer may not set, and why. An image can set any variable, so only those are rejected here that would have
 * no effect or be untrue. LD_PRELOAD, PATH and CUDA_VISIBLE_DEVICES are the customer's own business: the SSH server is
 * statically linked, started by its full path and obeys no variable, and a container gets the GPUs that the machine
 * assigns, whatever CUDA_VISIBLE_DEVICES says.
 */
const refusals: readonly (readonly [names: RegExp, reason: string])[] = [
  [
    /^(?:HOME|LOGNAME|SHELL|USER|SSH_CLIENT|SSH_CONNECTION|SSH_TTY)$/,
    'is set by each login: a value of your own would have no effect',
  ],
  [/^KUBERNETES_/, 'is set by Kubernetes and cannot be chosen'],
  [/^WORLDLAND_/, 'says what was rented and cannot be chosen'],
  [
    /^NVIDIA_(?!DRIVER_CAPABILITIES$)/,
    'tells the GPU runtime of the machine which GPUs and devices to hand out, and those are what was rented; ' +
      'only NVIDIA_DRIVER_CAPABILITIES can be chosen',
  ],
];

/** The capabilities the GPU runtime can add to a container; with any other word it refuses to start the container. */
const driverCapabilities = ['compute', 'utility', 'video', 'graphics', 'display', 'ngx', 'compat32', 'all'];

/**
 * All problems of a job's environment; fields are names below `env`. Values are never repeated because they may be
 * secrets.
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
  if (!namePattern.test(name)) return 'the name must match [A-Za-z_][A-Za-z0-9_]{0,63}';
  const refusal = refusals.find(([names]) => names.test(name));
  if (refusal !== undefined) return refusal[1];
  if (name === 'NVIDIA_DRIVER_CAPABILITIES' && !value.split(',').every((word) => driverCapabilities.includes(word))) {
    return `must be one or more, separated by commas without spaces, of ${driverCapabilities.join(', ')}`;
  }
  if (Buffer.byteLength(value) > maxValueBytes) return `is longer than ${maxValueBytes} bytes`;
  // Neither a process environment nor the database can hold these.
  if (/[\0\p{Cs}]/u.test(value)) return 'holds a NUL or half a surrogate pair';
  return undefined;
}

/** A name made short and printable, to be repeated to the client. */
function shown(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '?').slice(0, 64);
}
