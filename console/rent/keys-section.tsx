import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { SshKey } from '../../src/client/index.js';
import { broker, login, requireLogin, useResource } from '../live/index.js';
import { Button, Card, Check, CommandLine, ErrorNote, Untrusted } from '../parts/index.js';
import type { SectionProps } from './section-props.js';
import type { OrderForm } from './order-form.js';
import { inspectKeys, isSameKey, keyLabel, secretWords, type PublicKey } from '../parts/ssh-keys.js';

/** A key of the longest kind has far less; what is larger is another file. */
const longestFile = 64 * 1024;

/** Who may log in: keys that the broker keeps, and keys that are pasted or come from a file. */
export function KeysSection({ form, problems, set }: SectionProps) {
  const wallet = login.value?.wallet;
  const saved = useResource(wallet === undefined ? undefined : `ssh-keys:${wallet}`, () => broker().sshKeys.list());
  const keys = saved.data ?? [];
  useFirstKey(keys[0]?.key_id, form.savedKeys.length + form.newKeys.length > 0, (id) => set({ savedKeys: [id] }));
  const toggle = (id: string, isOn: boolean) =>
    set({ savedKeys: isOn ? [...form.savedKeys, id] : form.savedKeys.filter((each) => each !== id) });
  const hasAny = keys.length + form.newKeys.length > 0;
  return (
    <Card title="SSH key">
      <div class="stack tight" data-place="keys">
        {saved.error !== undefined && (
          <ErrorNote error={saved.error} nextAtMs={saved.nextAtMs} onRetry={saved.reload} />
        )}
        {hasAny && (
          <ul class="keys" aria-label="Keys that may log in">
            {keys.map((key) => (
              <li key={key.key_id}>
                <Check
                  checked={form.savedKeys.includes(key.key_id)}
                  onChange={(isOn) => toggle(key.key_id, isOn)}
                  label={
                    <span>
                      <Untrusted text={key.name} max={48} />{' '}
                      <span class="soft small mono">{key.fingerprint.slice(0, 20)}…</span>
                    </span>
                  }
                />
              </li>
            ))}
            {form.newKeys.map((key) => (
              <li key={key.line} class="row spread">
                <span>
                  <span aria-hidden="true">✓ </span>
                  <Untrusted text={keyLabel(key)} max={60} />
                </span>
                <Button
                  size="s"
                  kind="bare"
                  onClick={() => set({ newKeys: form.newKeys.filter((each) => each.line !== key.line) })}
                >
                  Remove<span class="hidden-text"> the key {keyLabel(key)}</span>
                </Button>
              </li>
            ))}
          </ul>
        )}
        <AddKey form={form} set={set} saved={keys} problem={problems.keys} isFirst={!hasAny} />
        {form.newKeys.length > 0 && (
          <Check
            label="Keep new keys for my next orders"
            checked={form.keepsKeys}
            onChange={(keepsKeys) => set({ keepsKeys })}
          />
        )}
      </div>
    </Card>
  );
}

/** Of the keys that are kept, one is chosen without asking; not again once somebody has taken it away. */
function useFirstKey(first: string | undefined, hasOne: boolean, choose: (id: string) => void): void {
  const isDone = useRef(false);
  useEffect(() => {
    if (first === undefined || isDone.current) return;
    isDone.current = true;
    if (!hasOne) choose(first);
  }, [first]);
}

interface AddKeyProps extends Pick<SectionProps, 'form' | 'set'> {
  saved: readonly SshKey[];
  problem: string | undefined;
  isFirst: boolean;
}

/** The form with further keys; those that the broker keeps already are chosen there. */
function withKeys(form: OrderForm, keys: readonly PublicKey[], saved: readonly SshKey[]): Partial<OrderForm> {
  const kept = saved.filter((each) => keys.some(({ line }) => isSameKey(line, each.public_key)));
  const isNew = ({ line }: PublicKey) =>
    [...form.newKeys.map((each) => each.line), ...kept.map((each) => each.public_key)].every(
      (known) => !isSameKey(known, line),
    );
  return {
    newKeys: [...form.newKeys, ...keys.filter(isNew)],
    savedKeys: [...new Set([...form.savedKeys, ...kept.map(({ key_id: id }) => id)])],
  };
}

function AddKey({ form, set, saved, problem, isFirst }: AddKeyProps) {
  const id = useId();
  const [text, setText] = useState('');
  const [refusal, setRefusal] = useState<string>();
  const [isSecret, setSecret] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);

  /** @param isWhole nobody goes on typing: what is no key now will not become one. */
  const take = (given: string, isWhole: boolean) => {
    const found = inspectKeys(given);
    if (found.is === 'keys') {
      set(withKeys(form, found.keys, saved));
      setText('');
      setSecret(false);
      setRefusal(undefined);
    } else if (found.is === 'secret') {
      // At once, and not only with the next drawing: the same secret twice changes nothing that would be drawn.
      if (area.current !== null) area.current.value = '';
      setText('');
      setSecret(true);
      setRefusal(secretWords(found.what));
    } else if (found.is === 'nothing' && isSecret) {
      // The warning stays until there is something else: a field that is emptied is no answer to it.
      setText(given);
    } else {
      setText(given);
      setSecret(false);
      setRefusal(isWhole && found.is === 'unusable' ? found.why : undefined);
    }
  };
  const readFile = async (chosen: File | undefined) => {
    if (chosen === undefined) return;
    if (chosen.size > longestFile)
      setRefusal('That file is too large for a public key. Take the one that ends in .pub.');
    else {
      take(await chosen.text(), true);
      // A file that was refused is nobody's text: it does not stay in the field.
      setText('');
    }
    if (file.current !== null) file.current.value = '';
  };
  const said = refusal ?? problem;
  return (
    <div class="field">
      <label for={id}>{isFirst ? 'Paste your public key' : 'Add another public key'}</label>
      <textarea
        id={id}
        ref={area}
        class="mono"
        rows={isFirst ? 3 : 2}
        placeholder="ssh-ed25519 AAAA… you@laptop"
        spellcheck={false}
        autoComplete="off"
        value={text}
        aria-invalid={said === undefined ? undefined : true}
        aria-describedby={`${id}-hint ${id}-error`}
        onInput={(event) => take(event.currentTarget.value, false)}
        onBlur={() => {
          if (text !== '') take(text, true);
        }}
        onDrop={(event) => {
          const dropped = event.dataTransfer?.files[0];
          if (dropped === undefined) return;
          event.preventDefault();
          void readFile(dropped);
        }}
      />
      <p class="field-error" id={`${id}-error`} role="alert">
        {said ?? ''}
      </p>
      <div class="row">
        <Button size="s" onClick={() => file.current?.click()}>
          Add from a file
        </Button>
        <input
          ref={file}
          type="file"
          class="hidden-text"
          tabIndex={-1}
          aria-label="File of a public key"
          accept=".pub,text/plain"
          onChange={(event) => void readFile(event.currentTarget.files?.[0])}
        />
        {login.value === undefined && (
          <Button size="s" kind="bare" onClick={() => void requireLogin('Your keys are shown to your wallet.')}>
            Connect to use a saved key
          </Button>
        )}
        <span class="field-hint" id={`${id}-hint`}>
          The public one only. The private key stays on your computer.
        </span>
      </div>
      {isFirst && (
        <details class="no-key">
          <summary>You have no key yet?</summary>
          <p class="small soft">Make one in a terminal, then add the file ~/.ssh/id_ed25519.pub here:</p>
          <CommandLine text="ssh-keygen -t ed25519" what="the command that makes a key" />
        </details>
      )}
    </div>
  );
}
