import type { JobProgram } from '../client/types.generated.js';
import { clean } from './clean.js';

const states: Readonly<Record<string, string>> = {
  waiting: 'waits for its machine',
  started: 'started',
  running: 'runs',
  exited: 'has ended',
  stopped: 'was stopped with its machine',
};

const restarts: Readonly<Record<string, string>> = {
  on_failure: 'restarted when it fails',
  always: 'restarted whenever it ends',
};

/** Signals by which programs of customers end most often. */
const signals: Readonly<Record<number, string>> = {
  2: 'SIGINT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  15: 'SIGTERM',
};

/** The state of a job's main program in a few words; of a state that is newer than this, its own name. */
export function programText({ state, exit_code: exitCode, restart, end_with_command: endsJob }: JobProgram): string {
  const said = Object.hasOwn(states, state) ? states[state]! : clean(state).replaceAll('_', ' ');
  const parts = [exitCode === undefined ? said : `${said} with ${exitCodeText(exitCode)}`];
  if (Object.hasOwn(restarts, restart)) parts.push(restarts[restart]!);
  if (endsJob && exitCode === undefined) parts.push('the job ends with it');
  return parts.join(', ');
}

/** `exit code 137 (SIGKILL)`: a shell says so of what a signal has ended. */
export function exitCodeText(code: number): string {
  const signal = code > 128 ? (signals[code - 128] ?? `signal ${code - 128}`) : undefined;
  return `exit code ${code}${signal === undefined ? '' : ` (${signal})`}`;
}
