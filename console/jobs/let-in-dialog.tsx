import { useState } from 'preact/hooks';
import type { SshKey } from '../../src/client/index.js';
import type { Job } from '../../src/client/shapes.js';
import { act, broker, login, toast, useResource } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Check, Untrusted } from '../parts/index.js';
import { PublicKeysField } from '../parts/public-keys-field.js';
import type { PublicKey } from '../parts/ssh-keys.js';

/** Lets further keys in to a job that starts or runs: the key of a second computer, or of a colleague. */
export function LetInDialog({ job, onClose }: { job: Job; onClose(): void }) {
  const [pasted, setPasted] = useState<readonly PublicKey[]>([]);
  const [kept, setKept] = useState<readonly string[]>([]);
  const saved = useResource(`ssh-keys:${login.value?.wallet ?? ''}`, () => broker().sshKeys.list());
  const lines = [
    ...(saved.data ?? []).filter(({ key_id: id }) => kept.includes(id)).map((key) => key.public_key),
    ...pasted.map(({ line }) => line),
  ];
  const run = async () => {
    let isAtOnce = false;
    // One after the other: each of them is let in, or says why not, and a repeat changes nothing.
    for (const line of lines) {
      const { takes_effect: when } = await act(() => broker().jobs.addSshKey(job.job_id, line));
      isAtOnce = when === 'at_start';
    }
    const what = lines.length === 1 ? 'The key' : `${lines.length} keys`;
    toast(`${what} may log in ${isAtOnce ? 'once the job has started' : 'within two minutes'}.`, 'good');
  };
  const toggle = (id: string, isOn: boolean) => setKept(isOn ? [...kept, id] : kept.filter((each) => each !== id));
  return (
    <ActionDialog title="Let another key in" confirm="Let in" disabled={lines.length === 0} run={run} onClose={onClose}>
      <p class="small soft">
        Whoever has its private key can log in to this job, as you can, until the job ends. A key cannot be taken out
        again.
      </p>
      {(saved.data ?? []).length > 0 && <SavedKeys saved={saved.data!} kept={kept} toggle={toggle} />}
      <PublicKeysField keys={pasted} onKeys={setPasted} />
    </ActionDialog>
  );
}

interface SavedKeysProps {
  saved: readonly SshKey[];
  kept: readonly string[];
  toggle(id: string, isOn: boolean): void;
}

function SavedKeys({ saved, kept, toggle }: SavedKeysProps) {
  return (
    <fieldset class="kept-keys">
      <legend>Keys that are kept here</legend>
      {saved.map(({ key_id: id, name, fingerprint }) => (
        <Check
          key={id}
          checked={kept.includes(id)}
          onChange={(isOn) => toggle(id, isOn)}
          label={
            <>
              <Untrusted text={name} max={48} /> <span class="soft small mono">{fingerprint.slice(0, 20)}…</span>
            </>
          }
        />
      ))}
    </fieldset>
  );
}
