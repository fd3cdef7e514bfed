import { useState } from 'preact/hooks';
import { Field } from './field.js';
import { inspectKeys, keyLabel, secretWords, type PublicKey } from './ssh-keys.js';
import { plain } from './words.js';

interface PublicKeysFieldProps {
  /** Those that stand in the field now. */
  keys: readonly PublicKey[];
  onKeys(keys: readonly PublicKey[]): void;
}

/** Takes public keys as text or from a file. A private one is taken out of the field before anything is sent. */
export function PublicKeysField({ keys, onKeys }: PublicKeysFieldProps) {
  const [text, setText] = useState('');
  const [secret, setSecret] = useState<string>();
  const found = inspectKeys(text);
  const take = (field: { value: string }) => {
    const { value } = field;
    const inspected = inspectKeys(value);
    setSecret(inspected.is === 'secret' ? inspected.what : undefined);
    // The field is emptied itself: its state did not change, so it would not be drawn anew.
    if (inspected.is === 'secret') field.value = '';
    setText(inspected.is === 'secret' ? '' : value);
    onKeys(inspected.is === 'keys' ? inspected.keys : []);
  };
  const error =
    secret !== undefined ? secretWords(secret) : found.is === 'unusable' ? plain(found.why, 300) : undefined;
  return (
    <>
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
    </>
  );
}
