import { useRef, useState } from 'preact/hooks';
import type { MonthlyCap } from '../../src/client/types.generated.js';
import { loginFailure } from '../connect/failure.js';
import { signedOnce } from '../connect/open-session.js';
import { WalletList } from '../connect/wallet-list.js';
import { useWalletWait, WaitingFor } from '../connect/wallet-wait.js';
import type { Wallet } from '../connect/wallets.js';
import type { Broker } from '../live/client.js';
import { act, broker, login, refresh, site, toast, token } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { noAmount, readAmount } from '../parts/amount-field.js';
import { AmountInput } from '../parts/amount-input.js';
import { Dialog, Money } from '../parts/index.js';
import { needsWallet } from './cap-use.js';

interface CapDialogProps {
  now: MonthlyCap | null;
  what: 'set' | 'remove';
  onClose(): void;
}

/** Sets, changes or removes the cap. What loosens it, the wallet signs: a stolen login cannot. */
export function CapDialog({ now, what, onClose }: CapDialogProps) {
  const [entered, setEntered] = useState(noAmount);
  const [isSigning, setSigning] = useState(what === 'remove');
  const amount = readAmount(entered, token().decimals);
  const next = 'units' in amount ? amount.units : undefined;
  /** The wallet is asked once what was entered is sent. */
  const goesOn = useRef(false);
  const said = () => {
    toast(what === 'remove' ? 'There is no monthly cap any more.' : 'The cap holds from the next order on.', 'good');
    refresh('jobs');
  };
  const done = () => {
    said();
    onClose();
  };
  const change = async (client: Broker) =>
    void (what === 'remove' ? await client.money.clearMonthlyCap() : await client.money.setMonthlyCap(next!));
  if (isSigning)
    return <Signing now={now!} next={what === 'remove' ? undefined : next} {...{ change, done, onClose }} />;
  const isLoose = next !== undefined && needsWallet(now, next);
  const run = async () => {
    goesOn.current = isLoose;
    if (isLoose) return;
    await act(() => change(broker()));
    said();
  };
  return (
    <ActionDialog
      title={now === null ? 'Set a monthly cap' : 'Change the monthly cap'}
      confirm={isLoose ? 'Sign with the wallet…' : 'Set the cap'}
      disabled={next === undefined}
      run={run}
      onClose={() => (goesOn.current ? setSigning(true) : onClose())}
    >
      <p class="soft">
        All logins and tokens of this wallet together may order for so much in a month of UTC: what was charged and what
        is reserved count. Jobs that run go on.
      </p>
      <AmountInput label="At most in a month" value={entered} onInput={setEntered} />
      {now !== null && (
        <p class="small soft">
          It is <Money units={now.amount} /> now. To lower it, this login is enough; to raise it, your wallet signs.
        </p>
      )}
    </ActionDialog>
  );
}

interface SigningProps {
  now: MonthlyCap;
  /** Undefined: none any more. */
  next: string | undefined;
  change(client: Broker): Promise<void>;
  done(): void;
  onClose(): void;
}

function Signing({ now, next, change, done, onClose }: SigningProps) {
  const [asked, setAsked] = useState<Wallet>();
  const [said, setSaid] = useState('');
  const [failure, setFailure] = useState('');
  const wait = useWalletWait();
  const sign = async (wallet: Wallet) => {
    setAsked(wallet);
    setFailure('');
    const owner = login.peek()?.wallet ?? '';
    const scopes = ['jobs:read', 'jobs:write', 'billing:write'] as const;
    try {
      await wait.ask(wallet.name, (signal) =>
        signedOnce(wallet, { owner, scopes, say: setSaid, signal }, (client) => change(client)),
      );
      done();
    } catch (error) {
      setFailure(loginFailure(error, { smartWallets: site.peek()?.auth.smart_wallets === true }).text);
      setSaid('');
      setAsked(undefined);
    }
  };
  return (
    <Dialog title={next === undefined ? 'Remove the monthly cap' : 'Raise the monthly cap'} onClose={onClose}>
      <p>
        {next === undefined ? (
          <>
            The cap of <Money units={now.amount} /> is removed: each login may spend up to its own limit.
          </>
        ) : (
          <>
            From <Money units={now.amount} /> to <Money units={next} /> in a month.
          </>
        )}{' '}
        Your wallet signs that, so that nobody with a stolen login can.
      </p>
      <WalletList asked={asked} disabled={false} onChoose={(wallet) => void sign(wallet)} />
      <WaitingFor of={wait} said={said} />
      {failure !== '' && (
        <p class="note tone-bad" role="alert">
          <bdi dir="ltr">{failure}</bdi>
        </p>
      )}
    </Dialog>
  );
}
