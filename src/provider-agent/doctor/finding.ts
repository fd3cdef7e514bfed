import type { GpuReading } from '../gpu-reading.js';
import type { Machine } from '../messages.js';
import type { Host } from './host.js';

/** `unseen`: it could not be told. */
export type Verdict = 'ok' | 'warning' | 'failure' | 'unseen';

/** One thing that a check has found. */
export interface Finding {
  check: string;
  verdict: Verdict;
  /** A sentence without strangers' control characters. */
  text: string;
  /** A command to type. */
  mend?: string;
  /** True when `kubeadm join` would fail, or its kubelet would not start. */
  stopsJoin?: boolean;
}

export type Problem = Omit<Finding, 'check'>;

/** What the checks are told about the machine, besides its files. */
export interface Situation {
  hasJoined: boolean;
  machine: Pick<Machine, 'gpus' | 'privateIp' | 'publicIp'>;
  reading: Pick<GpuReading, 'problems' | 'hasDriver' | 'failed'>;
  /** The broker's URL, if it is to be asked. */
  broker?: string | undefined;
}

/** What a check says when nothing is wrong, and what is. */
export interface Looked {
  fine: string;
  problems: Problem[];
}

export interface Check {
  /** One word or two, for the report and `--skip-checks`. */
  name: string;
  /**
   * @returns undefined when the check does not concern this machine.
   * @throws Unseen
   */
  look(host: Host, situation: Situation): Looked | undefined | Promise<Looked | undefined>;
}

/** Problems of a check; `undefined` and `false` are none. */
export function looked(fine: string, ...problems: (Problem | undefined | false)[]): Looked {
  return { fine, problems: problems.filter((problem) => problem !== undefined && problem !== false) };
}

export function failure(text: string, mend?: string): Problem {
  return { verdict: 'failure', text, ...(mend === undefined ? {} : { mend }) };
}

export function warning(text: string, mend?: string): Problem {
  return { verdict: 'warning', text, ...(mend === undefined ? {} : { mend }) };
}

export function unseen(text: string, mend?: string): Problem {
  return { verdict: 'unseen', text, ...(mend === undefined ? {} : { mend }) };
}

/** A failure that makes the join fail as well. */
export function obstacle(text: string, mend?: string): Problem {
  return { ...failure(text, mend), stopsJoin: true };
}
