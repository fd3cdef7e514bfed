import { useState } from 'preact/hooks';
import type { SshKey } from '../../src/client/shapes.js';
import { untilGone } from '../live/gone.js';
import { act, broker, canAct, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Button, Empty, Loaded, plain, Skeleton, Table, Time, Untrusted, type Column } from '../parts/index.js';
import { AddKeyDialog } from './add-key-dialog.js';
import { Part } from './part.js';
import { useSshKeys } from './use-account.js';

/** Public keys that the broker keeps, so that an order only names them. */
export function SshKeysCard() {
  const keys = useSshKeys();
  const [isNew, setNew] = useState(false);
  const [removing, setRemoving] = useState<SshKey>();
  return (
    <Part
      title="SSH keys"
      count={keys.data?.length}
      aside={
        <Button size="s" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setNew(true)}>
          Add a key…
        </Button>
      }
    >
      <Loaded of={keys} skeleton={<Skeleton lines={2} height={2.75} />}>
        {(data) => (
          <Table
            caption="Your SSH keys"
            rows={data}
            rowKey={({ key_id: id }) => id}
            columns={columns(setRemoving)}
            empty={
              <Empty title="No keys are kept">
                With a key here, an order names it instead of asking for it. Only public keys belong here.
              </Empty>
            }
          />
        )}
      </Loaded>
      {isNew && <AddKeyDialog onClose={() => setNew(false)} />}
      {removing !== undefined && <RemoveKey sshKey={removing} onClose={() => setRemoving(undefined)} />}
    </Part>
  );
}

function columns(onRemove: (key: SshKey) => void): Column<SshKey>[] {
  return [
    { key: 'name', head: 'Name', card: 'title', cell: ({ name }) => <Untrusted text={name} max={60} /> },
    {
      key: 'fingerprint',
      head: 'Fingerprint',
      cell: ({ fingerprint }) => <Untrusted text={fingerprint} max={60} class="mono" />,
    },
    { key: 'since', head: 'Since', cell: ({ created_at: at }) => <Time at={at} /> },
    {
      key: 'remove',
      head: '',
      card: 'actions',
      cell: (key) => (
        <Button size="s" kind="danger" disabled={!canAct.value} onClick={() => onRemove(key)}>
          Remove…<span class="hidden-text"> {plain(key.name, 60)}</span>
        </Button>
      ),
    },
  ];
}

function RemoveKey({ sshKey, onClose }: { sshKey: SshKey; onClose(): void }) {
  const run = async () => {
    await act(() => untilGone(() => broker().sshKeys.remove(sshKey.key_id)));
    toast('The key is no longer kept.', 'good');
    refresh('account');
  };
  return (
    <ActionDialog title="Remove this key?" confirm="Remove" danger run={run} onClose={onClose}>
      <p>
        <Untrusted text={sshKey.name} max={60} /> cannot be chosen in new orders. Jobs that run keep it.
      </p>
    </ActionDialog>
  );
}
