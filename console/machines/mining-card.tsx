import { useState } from 'preact/hooks';
import type { Routes } from '../../src/client/types.generated.js';
import { act, broker, canAct, refresh, toast, useResource } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Button, Card, Loaded, Skeleton, State, Untrusted } from '../parts/index.js';

type Mining = Routes['GET /api/v1/providers/:id/mining']['reply'];

/** What the GPUs do that nobody rents. */
export function MiningCard({ id }: { id: string }) {
  const [isAsked, setAsked] = useState(false);
  const mining = useResource(`mining:${id}`, async () => (await broker().mining.get(id)) as Mining, {
    everyMs: 15_000,
  });
  const enabled = mining.data?.enabled === true;
  const run = async () => {
    await act(() => (enabled ? broker().mining.stop(id) : broker().mining.start(id)));
    toast(enabled ? 'Its idle GPUs stop mining.' : 'Its idle GPUs mine from now on.', 'good');
    refresh('mining');
  };
  return (
    <Card
      title="Idle GPUs"
      aside={
        mining.data !== undefined &&
        !isOffHere(mining.data) && (
          <Button size="s" disabled={!canAct.value} onClick={() => setAsked(true)}>
            {enabled ? 'Stop mining…' : 'Let them mine…'}
          </Button>
        )
      }
    >
      <Loaded of={mining} skeleton={<Skeleton lines={2} />}>
        {(read) => <MiningState mining={read} />}
      </Loaded>
      {isAsked && (
        <ActionDialog
          title={enabled ? 'Stop mining' : 'Let idle GPUs mine'}
          confirm={enabled ? 'Stop mining' : 'Let them mine'}
          run={run}
          onClose={() => setAsked(false)}
        >
          <p>
            {enabled
              ? 'Its miners end at once. GPUs that nobody rents stay idle.'
              : 'GPUs that nobody rents mine, with the image and the account of the machine’s registration. A job takes a GPU from its miner at any moment: customers never wait for one.'}
          </p>
        </ActionDialog>
      )}
    </Card>
  );
}

/** Nobody mines on a site whose operator allows no image for it. */
function isOffHere({ reason = '' }: Mining): boolean {
  return reason.startsWith('mining is off on this site');
}

/** The broker names its setting, which an owner cannot change. */
const offHere = 'The operator of this site lets no machine mine.';

function MiningState({ mining }: { mining: Mining }) {
  const { miners, enabled, reason, available_gpu_count: free } = mining;
  if (miners.wanted === 0) {
    return (
      <div class="stack tight">
        <State tone="off">{enabled && !isOffHere(mining) ? 'none mines' : 'mining is off'}</State>
        {reason !== undefined && (
          <p class="small soft">
            <Untrusted text={isOffHere(mining) ? offHere : reason} max={200} />
          </p>
        )}
      </div>
    );
  }
  return (
    <div class="stack tight">
      <State tone={miners.failing > 0 ? 'warn' : miners.running > 0 ? 'good' : 'busy'}>
        {miners.running} of {miners.wanted} miners run
      </State>
      <p class="small soft">
        {free} {free === 1 ? 'GPU is' : 'GPUs are'} not rented
        {miners.waiting > 0 && `; ${miners.waiting} wait for a GPU that is not rented`}
        {miners.failing > 0 && `; ${miners.failing} fail, and are tried again`}.
      </p>
    </div>
  );
}
