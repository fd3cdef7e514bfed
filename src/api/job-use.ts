import type { JobRow } from '../db/jobs.js';
import { BrokerError } from '../domain/errors.js';
import { isFinal } from '../domain/job.js';
import type { AskUse, JobUse, UseAnswer } from '../domain/job-use.js';

/** How long an answer is good, whoever asks, and silence, too: a machine is asked no more often. */
const goodForMs = 3_000;
/** Machines that this process asks at a time; each holds a connection for some seconds at most. */
const maxAsked = 64;
/** Of those, of one wallet: machines that hang must not take everybody's places. */
const maxAskedOfWallet = 8;

const askItself = '`wl top JOB` asks the machine itself';

/**
 * Asks machines what their jobs use: each of them once in some seconds, and not too many at a time.
 *
 * @returns a function that throws BrokerError `job_not_running`, `job_ended`, `machine_not_asked`,
 * `machine_unreachable`, or `dependency_unavailable` when too many are asked.
 */
export function createUseReader(askUse: AskUse | undefined): (job: JobRow) => Promise<JobUse> {
  const answers = new Map<string, { wallet: string; answer: Promise<UseAnswer>; untilMs: number }>();

  function forgetOld(): void {
    const nowMs = performance.now();
    for (const [jobId, { untilMs }] of answers) if (untilMs <= nowMs) answers.delete(jobId);
  }

  /** Those that have not answered yet are good until they have. */
  const underWay = (wallet?: string) =>
    [...answers.values()].filter((one) => one.untilMs === Infinity && (wallet === undefined || one.wallet === wallet))
      .length;

  async function answerOf(job: JobRow, ask: AskUse): Promise<UseAnswer> {
    forgetOld();
    const known = answers.get(job.jobId);
    if (known !== undefined) return await known.answer;
    const { ssh, wallet, jobId } = job;
    if (ssh?.hostKey === undefined) throw notAsked('the key of its SSH server is not known');
    if (underWay() >= maxAsked || underWay(wallet) >= maxAskedOfWallet) {
      throw new BrokerError('dependency_unavailable', `too many machines are asked at this moment; ${askItself}`);
    }
    const asked = {
      wallet,
      answer: ask({ jobId, host: ssh.host, port: ssh.port, hostKey: ssh.hostKey }),
      untilMs: Infinity,
    };
    answers.set(jobId, asked);
    try {
      return await asked.answer;
    } finally {
      asked.untilMs = performance.now() + goodForMs;
    }
  }

  return async (job) => {
    if (isFinal(job.status)) throw new BrokerError('job_ended', 'the job has ended, and its machine is gone');
    if (job.status !== 'running') throw new BrokerError('job_not_running', `the job is ${job.status}`);
    if (askUse === undefined) throw notAsked('the broker of this site does not reach the SSH ports of machines');
    const answer = await answerOf(job, askUse);
    if (answer.kind === 'use') return answer.use;
    if (answer.kind === 'refused') throw notAsked('its SSH server does not answer what it uses');
    const why =
      answer.kind === 'silent'
        ? 'did not answer in time, or showed another host key'
        : 'gave an answer that cannot be read';
    throw new BrokerError('machine_unreachable', `the SSH server of the job ${why}; ${askItself}`);
  };
}

function notAsked(why: string): BrokerError {
  return new BrokerError('machine_not_asked', `${why}; ${askItself}`);
}
