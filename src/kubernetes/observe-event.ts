import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import { printable, wholeNumber } from '../domain/outside.js';
import type { StartStep } from '../domain/job-phase.js';
import { jobContainer } from './observe-pod.js';

/** A step in the start of a pod, as its machine reports it. */
export interface PodStep {
  podUid: string;
  /** Who reports it. The admission policy lets a machine report in its own name only. */
  node: string;
  step: Extract<StartStep, 'image_pulling' | 'image_pulled' | 'container_started'>;
  /** How long the pull took; 0 for an image that was there already. Absent if the machine does not say. */
  seconds?: number;
}

const stepOfReason: Readonly<Record<string, PodStep['step']>> = {
  Pulling: 'image_pulling',
  Pulled: 'image_pulled',
  Started: 'container_started',
};
const fieldOfJob = `spec.containers{${jobContainer}}`;

/** Only events about the pods of jobs are worth a look; a selector of fields knows no more than this. */
export const podEventsSelector = 'involvedObject.kind=Pod';

/** What an event says about the customer's own container; undefined if nothing. Only its kind and a figure are used. */
export function stepOfEvent({ involvedObject, reason, message, ...event }: CoreV1Event): PodStep | undefined {
  const step = Object.hasOwn(stepOfReason, reason ?? '') ? stepOfReason[reason!] : undefined;
  const node = event.reportingInstance;
  if (step === undefined || involvedObject.fieldPath !== fieldOfJob) return undefined;
  if (involvedObject.uid === undefined || node === undefined || node === '') return undefined;
  const seconds = step === 'image_pulled' ? pulledInS(message) : undefined;
  return { podUid: involvedObject.uid, node, step, ...(seconds === undefined ? {} : { seconds }) };
}

const longestPullS = 86_400;

/** From `Successfully pulled image "…" in 1m2.3s (…)`; the name of the image may hold anything. */
function pulledInS(message: string | undefined): number | undefined {
  const said = printable(message, 1_000)?.split('"').at(-1);
  if (said === undefined) return undefined;
  if (said.trim().startsWith('already present')) return 0;
  const [, duration] = /^ in ([0-9hmsµun.]{2,32})(?:\s|$)/.exec(said) ?? [];
  if (duration === undefined) return undefined;
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  if (parts.length === 0) return undefined;
  const totalS = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * secondsOf[unit!]!, 0);
  const tenths = wholeNumber(totalS * 10, { min: 0, max: longestPullS * 10 });
  return tenths === undefined ? undefined : tenths / 10;
}

const secondsOf: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1, ms: 0.001 };

/** What a pod's own status shows of its start. */
export interface PodStart {
  uid: string;
  node: string | undefined;
  isStarted: boolean;
}

export function startOfPod({ metadata, spec, status }: V1Pod): PodStart {
  const container = status?.containerStatuses?.find(({ name }) => name === jobContainer);
  return {
    uid: metadata?.uid ?? '',
    node: spec?.nodeName,
    isStarted: container?.state?.running !== undefined && container.state.running !== null,
  };
}
