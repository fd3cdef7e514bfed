import { CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { JobLife } from './job-life.js';
import { jobKeys } from './job-steps.js';
import { sshKeysChanged } from './job-messages.js';

/**
 * Brings keys that are added to a job into its pod. Before the job runs, its Secret may be about to be made of an older
 * row, so this waits; a job that ends before needs none.
 */
export function takeKeys(life: JobLife): void {
  const { order, state } = life;
  setHandler(sshKeysChanged, async () => {
    await CancellationScope.nonCancellable(async () => {
      const isStarting = () => state.status === 'pending' || state.status === 'provisioning';
      await condition(() => !isStarting());
      if (state.status !== 'running') return;
      const bringing = new CancellationScope({ cancellable: true });
      // What fails stands in the row, and the reconciler asks for it again.
      const brought = bringing.run(() => jobKeys.bringSshKeys(order)).catch(() => undefined);
      // The end of a job waits for its handlers, and must not wait for a cluster that is away.
      await Promise.race([brought, condition(() => state.status !== 'running')]);
      bringing.cancel();
    });
  });
}
