import { useState } from 'preact/hooks';
import type { Address } from 'viem';
import type { Deposits } from '../../src/client/types.generated.js';
import { ActionSheet } from '../chain/action-sheet.js';
import type { VaultPlace } from '../chain/actions.js';
import { capForAll, leftOfCap } from '../chain/cap-choice.js';
import { spendPermit } from '../chain/permit.js';
import { onChain, type Asking } from '../chain/send-action.js';
import { unitsIn } from '../chain/vault-units.js';
import { signedOnce } from '../connect/open-session.js';
import { sign, type Wallet } from '../connect/wallets.js';
import { canAct, refresh, toast } from '../live/index.js';
import { Bar, Button, Card, Money, partOf, Segmented } from '../parts/index.js';
import { AllowedFields, useAllowed } from './allowed-fields.js';
import { capFactsOf, type KnownVault } from './use-deposits.js';

interface CapCardProps {
  deposits: Deposits;
  known: KnownVault;
}

/** What the broker may draw in all, as the wallet has allowed it: nobody else can raise it. */
export function CapCard({ deposits, known }: CapCardProps) {
  const [isOpen, setOpen] = useState(false);
  const { drawn, cap, cap_signed: signed } = deposits;
  const left = leftOfCap(capFactsOf(deposits));
  return (
    <Card
      title="What may be drawn"
      aside={
        <Button size="s" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setOpen(true)}>
          Raise…
        </Button>
      }
    >
      <div class="stack tight">
        <p class="cap-left">
          <Money units={left} /> <span class="soft">left of</span> <Money units={signed} />
        </p>
        <Bar used={partOf(drawn, signed)} held={0} tone="accent" label="What was drawn of what may be" />
        <p class="small soft">
          Settlements may take no more than this from your deposit, since its beginning; <Money units={drawn} /> was
          taken. Your wallet alone can raise it, and nobody can lower what it has signed.
        </p>
        {signed !== cap && (
          <p class="small soft">
            The vault knows <Money units={cap} /> so far: the next settlement carries what you signed since.
          </p>
        )}
      </div>
      {isOpen && <RaiseSheet {...{ deposits, known }} onClose={() => setOpen(false)} />}
    </Card>
  );
}

function RaiseSheet({ deposits, known, onClose }: CapCardProps & { onClose(): void }) {
  const facts = capFactsOf(deposits);
  // Where all is allowed already, whoever raises it means more than that.
  const allowed = useAllowed(() => capForAll(facts, 0n) > facts.signed, known.decimals);
  const [by, setBy] = useState<'signature' | 'call'>('signature');
  const { place, decimals } = known;
  const cap = allowed.capWith(facts, 0n);
  const isHigher = cap !== undefined && cap > facts.signed;
  const units = cap === undefined ? 0n : unitsIn(cap, decimals);
  const done = () => {
    refresh('chain');
    toast(by === 'signature' ? 'The higher cap holds from now on.' : 'It is sent; it holds once it is final.', 'good');
  };
  return (
    <ActionSheet
      title="Raise what may be drawn"
      place={place}
      disabled={!isHigher}
      plan={async () => [{ kind: 'raise-cap', cap: units.toString() }]}
      instead={by === 'call' ? undefined : (wallet, asking) => signCap(wallet, asking, { place, cap: cap!, units })}
      onDone={done}
      onClose={onClose}
    >
      <AllowedFields of={allowed} all="All that I have deposited" most="From now on, at most" />
      {cap !== undefined && (
        <p role="status">
          {isHigher ? (
            <>
              All draws together may then come to <Money units={cap} />, instead of <Money units={facts.signed} />.
            </>
          ) : (
            <>
              That is allowed already: <Money units={facts.signed} />.
            </>
          )}
        </p>
      )}
      <Segmented
        label="How"
        value={by}
        options={[
          { value: 'signature', label: 'by a signature' },
          { value: 'call', label: 'by a transaction' },
        ]}
        onChange={(value) => setBy(value as typeof by)}
      />
      <p class="small soft">
        {by === 'signature'
          ? 'Costs no gas. Your wallet signs twice: the cap, and that this request is yours.'
          : 'For wallets that are contracts, such as Safe, which cannot sign: it costs a little gas.'}
      </p>
    </ActionSheet>
  );
}

/** Two signatures: of the cap, and of the request that brings it to the broker. */
async function signCap(
  wallet: Wallet,
  asking: Asking,
  { place, cap, units }: { place: VaultPlace; cap: bigint; units: bigint },
): Promise<void> {
  await onChain(wallet, asking);
  asking.say(`${wallet.name} asks you to sign the cap.`);
  const permit = spendPermit(place, asking.owner, units);
  const signature = await sign(wallet, asking.owner as Address, permit, asking.signal);
  await signedOnce(wallet, { ...asking, scopes: ['jobs:read', 'billing:write'] }, (client) =>
    client.money.raiseCap(cap, signature),
  );
}
