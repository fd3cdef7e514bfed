import { useEffect, useState } from 'preact/hooks';
import { useWallets } from '../connect/use-wallets.js';
import { WaitingFor, type WalletWait } from '../connect/wallet-wait.js';
import type { Wallet } from '../connect/wallets.js';
import { broker, login, nowMs, readSite } from '../live/index.js';
import { Button, Field, Input, Select, shortAddress, Untrusted } from '../parts/index.js';
import { daysProblem, longestDays, nodeKeyIn, nodeKeyProblem, type SignedDelegation } from './delegation.js';

/** What is entered to sign for a machine. */
export interface SignDraft {
  pasted: string;
  days: string;
  /** Undefined while there is none. */
  wallet: Wallet | undefined;
}

export const emptyDraft: SignDraft = { pasted: '', days: String(longestDays), wallet: undefined };

export function isComplete({ pasted, days, wallet }: SignDraft): boolean {
  return nodeKeyProblem(pasted) === undefined && daysProblem(days) === undefined && wallet !== undefined;
}

interface SignFormProps {
  providerId: string;
  draft: SignDraft;
  wait: WalletWait;
  onDraft(draft: SignDraft): void;
}

/** Which key may speak for the machine, for how long, and with which wallet it is signed. */
export function SignForm({ providerId, draft, wait, onDraft }: SignFormProps) {
  const [isLeft, setLeft] = useState(false);
  const { wallets: found, lookAgain } = useWallets();
  const wallets = found ?? [];
  const keyProblem = isLeft || draft.pasted.length > 41 ? nodeKeyProblem(draft.pasted) : undefined;
  useEffect(() => {
    if (draft.wallet === undefined && wallets[0] !== undefined) onDraft({ ...draft, wallet: wallets[0] });
  }, [wallets.length]);
  return (
    <>
      <Input
        label="Key of the machine"
        hint={
          <>
            The agent prints it when it starts; <code>sudo provider-agent key</code> prints it again. You may paste the
            whole line.
          </>
        }
        error={keyProblem}
        placeholder="0x…"
        class="typed"
        value={draft.pasted}
        onInput={(pasted) => onDraft({ ...draft, pasted })}
        onBlur={() => setLeft(draft.pasted !== '')}
      />
      <Input
        label="For how long"
        unit="days"
        inputMode="numeric"
        value={draft.days}
        error={daysProblem(draft.days)}
        onInput={(days) => onDraft({ ...draft, days })}
      />
      {wallets.length > 1 && (
        <Select
          label="Wallet"
          value={String(draft.wallet === undefined ? 0 : wallets.indexOf(draft.wallet))}
          options={wallets.map(({ name }, at) => ({ value: String(at), label: name }))}
          onChange={(at) => onDraft({ ...draft, wallet: wallets[Number(at)] })}
        />
      )}
      {found?.length === 0 && (
        <div class="note tone-warn">
          <p>
            This browser has no wallet. Sign where yours is: <code>wl provider authorize</code>.
          </p>
          <div>
            <Button size="s" onClick={lookAgain}>
              Look again
            </Button>
          </div>
        </div>
      )}
      <Field label="What your wallet will show">
        {(attributes) => (
          <p {...attributes} class="soft">
            That this key may speak for the provider <Untrusted text={providerId} max={60} />, and that{' '}
            {shortAddress(login.value?.wallet ?? '')} is paid. The key can report, join and set prices. It cannot move
            money.
          </p>
        )}
      </Field>
      <WaitingFor of={wait} said={wait.now === undefined ? '' : `${wait.now.name} asks you to sign.`} />
    </>
  );
}

/** Has the chosen wallet sign; the code that does is loaded by now only. */
export async function signDraft(providerId: string, draft: SignDraft, wait: WalletWait): Promise<SignedDelegation> {
  const [{ signForMachine }, { audience, auth }] = await Promise.all([import('./sign-for-machine.js'), readSite()]);
  const asked = {
    ...{ providerId, nodeKey: nodeKeyIn(draft.pasted)!, validForS: Number(draft.days) * 86_400 },
    ...{ owner: login.peek()!.wallet, audience, chainIds: auth.chain_ids, nowS: Math.floor(nowMs() / 1000) },
  };
  const wallet = draft.wallet!;
  return await wait.ask(wallet.name, async (signal) => await signForMachine(wallet, asked, signal));
}

/** Signs, and leaves the signature where the machine fetches it. */
export async function signAndLeave(providerId: string, draft: SignDraft, wait: WalletWait): Promise<void> {
  const { delegation } = await signDraft(providerId, draft, wait);
  await broker().providers.delegate(providerId, delegation);
}
