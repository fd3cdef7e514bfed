import { patched } from '@temporalio/workflow';
import type { RecordedGap } from '../activities/job-outcome.js';
import type { GapCause } from '../src/domain/job.js';
import { instantAt, sentence, type Printable } from '../src/domain/outside.js';
import { jobRecord } from './job-steps.js';
import type { ProviderNews, ServiceGap } from './job-messages.js';
import type { ProviderWatch } from './provider-watch.js';

/** Keeps a running job's row and bill up to date while its provider goes away and comes back. */
export function createServiceRecord(jobId: string, provider: ProviderWatch) {
  /** What the row says. */
  let told: Printable | '' = '';

  return {
    /** Writes down what is new; the customer does not pay for the gaps. */
    async keep(): Promise<void> {
      for (;;) {
        const gaps = provider.gaps();
        const { away } = provider.news();
        const message = absenceOf(provider.news());
        if (gaps.length === 0 && message === told) return;
        if (!patched('gaps-are-not-billed')) return;
        const since = away === undefined ? {} : { awaySince: instantAt(away.sinceMs) };
        await jobRecord.recordService({ jobId, message, ...since, gaps: gaps.map(recordedGap) });
        provider.forgetGaps(gaps);
        told = message;
      }
    },
  };
}

/** A gap in the form that activities take. */
export function recordedGap({ fromMs, toMs, cause }: ServiceGap): RecordedGap {
  return { from: instantAt(fromMs), to: instantAt(toMs), cause };
}

const lacking: Record<GapCause, string> = {
  silent: 'the provider has not been heard',
  node_not_ready: 'the machine of the provider has been away',
  gpu_lost: 'the machine has had fewer GPUs than are rented',
};

/** What a customer reads while the provider does not serve; '' while it does. */
export function absenceOf({ away }: ProviderNews): Printable | '' {
  if (away === undefined) return '';
  return sentence(`${lacking[away.cause ?? 'silent']} since ${instantAt(away.sinceMs)}: this time is not paid for`);
}
