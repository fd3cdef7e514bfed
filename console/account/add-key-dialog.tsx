import { useState } from 'preact/hooks';
import { act, broker, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Field, Input, plain } from '../parts/index.js';
import { inspectKeys, keyLabel, keyName, secretWords } from '../parts/ssh-keys.js';

/** Keeps a public key. A private one is taken out of the field before anything is sent. */
export function AddKeyDialog({ onClose }: { onClose(): void }) {
  const [text, setText] = useState('');
  const [name, setName] = useState('');
  const [secret, setSecret] = useState<string>();
  const found = inspectKeys(text);
  const keys = found.is === 'keys' ? found.keys : [];
  const take = (field: { value: string }) => {
    const { value } = field;
    const inspected = inspectKeys(value);
    setSecret(inspected.is === 'secret' ? inspected.what : undefined);
    // The field is emptied itself: its state did not change, so it would not be drawn anew.
    if (inspected.is === 'secret') field.value = '';
    setText(inspected.is === 'secret' ? '' : value);
  };
  const run = async () => {
    for (const key of keys) {
      const called = keys.length === 1 && name.trim() !== '' ? name.trim() : keyName(key);
      await act(() => broker().sshKeys.add({ name: called, publicKey: key.line }));
    }
    toast(keys.length === 1 ? 'The key is kept.' : `${keys.length} keys are kept.`, 'good');
    refresh('account');
  };
  const error =
    secret !== undefined ? secretWords(secret) : found.is === 'unusable' ? plain(found.why, 300) : undefined;
  return (
    <ActionDialog title="Add an SSH key" confirm="Keep" disabled={keys.length === 0} run={run} onClose={onClose}>
      <Field label="Public key" hint="One line of a file that ends in .pub: cat ~/.ssh/id_ed25519.pub" error={error}>
        {(attributes) => (
          <textarea
            {...attributes}
            rows={4}
            autoComplete="off"
            spellcheck={false}
            placeholder="ssh-ed25519 AAAA… me@laptop"
            value={text}
            onInput={(event) => take(event.currentTarget)}
          />
        )}
      </Field>
      <label class="file-choice">
        <span>or from a file</span>
        <input
          type="file"
          onChange={(event) => {
            const field = event.currentTarget;
            void field.files?.[0]?.text().then((value) => take({ value }));
            field.value = '';
          }}
        />
      </label>
      {keys.length > 0 && (
        <p role="status">
          {keys.map((key) => (
            <span key={key.line} class="row">
              <span aria-hidden="true">✓</span> {plain(keyLabel(key), 100)}
            </span>
          ))}
        </p>
      )}
      {keys.length === 1 && (
        <Input label="Name" placeholder={plain(keyName(keys[0]!), 64)} value={name} maxLength={64} onInput={setName} />
      )}
    </ActionDialog>
  );
}
