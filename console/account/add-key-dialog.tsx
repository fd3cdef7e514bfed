import { useState } from 'preact/hooks';
import { act, broker, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Input, plain } from '../parts/index.js';
import { PublicKeysField } from '../parts/public-keys-field.js';
import { keyName, type PublicKey } from '../parts/ssh-keys.js';

/** Keeps a public key. */
export function AddKeyDialog({ onClose }: { onClose(): void }) {
  const [keys, setKeys] = useState<readonly PublicKey[]>([]);
  const [name, setName] = useState('');
  const run = async () => {
    for (const key of keys) {
      const called = keys.length === 1 && name.trim() !== '' ? name.trim() : keyName(key);
      await act(() => broker().sshKeys.add({ name: called, publicKey: key.line }));
    }
    toast(keys.length === 1 ? 'The key is kept.' : `${keys.length} keys are kept.`, 'good');
    refresh('account');
  };
  return (
    <ActionDialog title="Add an SSH key" confirm="Keep" disabled={keys.length === 0} run={run} onClose={onClose}>
      <PublicKeysField keys={keys} onKeys={setKeys} />
      {keys.length === 1 && (
        <Input label="Name" placeholder={plain(keyName(keys[0]!), 64)} value={name} maxLength={64} onInput={setName} />
      )}
    </ActionDialog>
  );
}
