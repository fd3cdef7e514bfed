import type { Job } from '../../src/client/shapes.js';
import { jobErrorHelp } from '../../src/wire/job-error-help.js';

/** How a job ended, in words. */
export interface Ending {
  title: string;
  tone: 'good' | 'off' | 'warn' | 'bad';
  /** In the words of a machine, a registry or an operator: a stranger's, for `<Untrusted>`. */
  said?: string;
  /** What the reason means. */
  means?: string;
  /** The reason, which has a page of its own in the documentation. */
  code?: keyof typeof jobErrorHelp;
}

const titles: Readonly<Partial<Record<keyof typeof jobErrorHelp, string>>> = {
  no_capacity: 'Nobody had room for it',
  unschedulable: 'The machine had no room for it after all',
  image_pull_failed: 'The machine could not fetch the image',
  container_not_created: 'The container could not be created',
  container_exited: 'Its program stopped',
  storage_exceeded: 'It wrote more than the disk that it ordered',
  pod_deleted: 'It was deleted from outside',
  pod_refused: 'The cluster refused it',
  no_ports_left: 'The cluster had no port left for its SSH',
  start_timeout: 'It did not start in time',
  ports_unreachable: 'Nobody could reach its SSH port',
};

/** @returns undefined for a job that has not ended. */
export function endingOf(job: Job): Ending | undefined {
  const { status, ended_by: by } = job;
  const code = codeOf(job);
  const reason = code === undefined ? {} : { code, means: jobErrorHelp[code].means };
  switch (status) {
    case 'completed':
      return { title: 'It ended by itself', tone: 'good', means: 'Its program was ended from inside.' };
    case 'expired':
      return { title: 'Its time was over', tone: 'good' };
    case 'cancelled':
      return { ...cancelled(job), ...(by === 'owner' || code === 'funds_withdrawn' ? reason : {}) };
    case 'provider_lost':
      return { title: 'Its machine was lost', tone: 'bad', ...said(job.failure_message ?? job.message), ...reason };
    case 'failed': {
      const title = (code === undefined ? undefined : titles[code]) ?? 'It failed';
      return { title, tone: 'bad', ...said(job.failure_message ?? job.message), ...reason };
    }
    default:
      return undefined;
  }
}

/** What the broker writes before the reason of an operator. */
const operatorEnded = /^an operator ended it(?:: )?/i;

function cancelled({ ended_by: by, failure_reason: failure, message = '' }: Job): Ending {
  switch (by) {
    case 'you':
      return failure === 'funds_withdrawn'
        ? { title: 'Its money left the vault', tone: 'warn', ...said(message) }
        : { title: 'You ended it', tone: 'off' };
    case 'owner':
      return { title: 'Its machine was taken out of service', tone: 'warn' };
    case 'operator':
      return { title: 'An operator of this site ended it', tone: 'warn', ...said(message.replace(operatorEnded, '')) };
    default:
      return { title: 'It was ended', tone: 'off', ...said(message) };
  }
}

function codeOf({ failure_reason: reason }: Job): keyof typeof jobErrorHelp | undefined {
  const isKnown = reason !== undefined && Object.hasOwn(jobErrorHelp, reason);
  return isKnown ? (reason as keyof typeof jobErrorHelp) : undefined;
}

const said = (text: string | undefined) => (text === undefined || text.trim() === '' ? {} : { said: text });

/** Seconds that a job ran. */
export function ranS({ started_at: from, ended_at: to }: Job): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
  return seconds >= 0 ? seconds : undefined;
}
