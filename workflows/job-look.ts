import { CancellationScope } from '@temporalio/workflow';
import type { ProvisionedPod } from '../activities/pods.js';
import type { SshLook } from '../activities/ssh-look.js';
import { failed, type Ending } from './job-endings.js';
import { isOver } from './job-messages.js';
import { endedEarly, notInTime, startLimit, withFault, type JobStart } from './job-starting.js';
import { pods, sshLook } from './job-steps.js';
import { changedBefore, earliest, whileWaiting } from './summaries.js';

/**
 * Has the broker look at the SSH port of a pod that is Ready, before its customer is let in; returns why the job does not
 * run. Whatever becomes of the pod or its provider meanwhile decides first: it explains why nobody answers.
 */
export async function lookFromOutside(start: JobStart, made: ProvisionedPod): Promise<Ending | undefined> {
  const { podUid, ssh } = made;
  const { order, placement, provider, observations, beforeMs, details } = start;
  const what = `looking at the SSH port on ${placement.nodeName} from outside`;
  details(what);
  let settled = false;
  const looking = new CancellationScope({ cancellable: true });
  const looked = looking.run(() => sshLook.lookAtSsh(order, placement, ssh));
  const done = () => void (settled = true);
  looked.then(done, done);
  try {
    for (;;) {
      if (settled) return await verdict(start, made, await looked);
      const known = { pod: observations.of(podUid), provider: provider.news() };
      if (isOver(known.pod)) return endedEarly(start, made, known.pod);
      const parting = await provider.parting(placement);
      if (parting !== undefined) return parting;
      if (Date.now() >= beforeMs) return notInTime(start);
      await changedBefore(
        whileWaiting(what, earliest(startLimit(start), provider.nextParting())),
        () => settled || observations.of(podUid) !== known.pod || provider.news() !== known.provider,
      );
    }
  } finally {
    looking.cancel();
  }
}

/** A pod that is over without anybody's having heard of it is no fault of its provider's ports. */
async function verdict(start: JobStart, made: ProvisionedPod, { unreachable }: SshLook): Promise<Ending | undefined> {
  if (unreachable === undefined) return undefined;
  const { order, observations } = start;
  const { podUid } = made;
  observations.add(await pods.inspectJob(order, podUid));
  const pod = observations.of(podUid);
  if (isOver(pod)) return endedEarly(start, made, pod);
  const { message, fault } = unreachable;
  return withFault(failed({ reason: 'ports_unreachable', message }), fault);
}
