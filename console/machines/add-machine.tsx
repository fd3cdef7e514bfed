import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { twoWords } from '../../src/words/two-words.js';
import type { OwnProvider } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { useWalletWait } from '../connect/wallet-wait.js';
import { api, broker, canAct, login, requireLogin, site, toast, useResource } from '../live/index.js';
import { Button, Card, CommandLine, Input, Select, State } from '../parts/index.js';
import { idProblem, joinCommands, joinStep, type JoinStep } from './join-commands.js';
import { readPrice } from './price-fields.js';
import { emptyDraft, isComplete, signAndLeave, SignForm } from './sign-form.js';
import { withPoint } from '../parts/typed-number.js';

interface AddMachineProps {
  machines: readonly OwnProvider[];
  onClose(): void;
}

/** From nothing to a machine that serves: two commands to copy, one signature, and what has happened so far. */
export function AddMachine({ machines, onClose }: AddMachineProps) {
  const [id, setId] = useState(twoWords);
  const [price, setPrice] = useState('0.50');
  const [isSigned, setSigned] = useState(false);
  const found = machines.find(({ provider_id: each }) => each === id);
  const step = joinStep(isSigned, found?.status);
  const owner = login.value?.wallet;
  const read = readPrice(price);
  const commands = joinCommands({
    ...{ broker: site.value?.audience ?? api, id, owner, caHash: site.value?.providers.ca_hash ?? null },
    gpuPrice: 'price' in read ? withPoint(price) : '',
  });
  return (
    <Card
      title="Add a machine"
      aside={
        <Button size="s" kind="bare" onClick={onClose}>
          Close
        </Button>
      }
    >
      <ol class="join-steps">
        <JoinPart title="Look whether the machine is ready">
          <p class="soft">
            Linux with an NVIDIA driver, Node 24, <code>kubeadm</code> and <code>containerd</code>:{' '}
            <a href={`${api}/docs/provider`}>all that it needs</a>. Run these there, as root:
          </p>
          <CommandLine text="sudo npm install --global worldland" what="the command that installs the agent" />
          {commands !== undefined && <CommandLine text={commands.check} what="the command that looks" />}
        </JoinPart>
        <JoinPart title="Give it a name and a price, and start its agent">
          <NameAndPrice id={id} onId={setId} price={price} onPrice={setPrice} isFixed={isSigned} />
          {commands === undefined ? (
            <p class="soft">The command is here once name and price are right.</p>
          ) : (
            <CommandLine text={commands.run} what="the command that starts the agent" />
          )}
        </JoinPart>
        <JoinPart title="Sign for its key">
          {owner === undefined ? (
            <Button kind="main" onClick={() => void requireLogin('Your machines belong to your wallet.')}>
              Connect wallet
            </Button>
          ) : (
            <Sign id={id} isSigned={isSigned} onSigned={() => setSigned(true)} />
          )}
        </JoinPart>
        <JoinPart title="Wait for it to come online">
          <Progress id={id} step={step} />
        </JoinPart>
      </ol>
    </Card>
  );
}

function JoinPart({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <li>
      <h3>{title}</h3>
      <div class="stack tight">{children}</div>
    </li>
  );
}

interface NameAndPriceProps {
  id: string;
  onId(id: string): void;
  price: string;
  onPrice(price: string): void;
  /** It has been signed for under this name. */
  isFixed: boolean;
}

function NameAndPrice({ id, onId, price, onPrice, isFixed }: NameAndPriceProps) {
  const market = useResource('market', () => broker().market.now(), { everyMs: 10_000 });
  const [gpu, setGpu] = useState('');
  const types = (market.data?.gpu_types ?? []).filter((type) => type.price !== null);
  const read = readPrice(price);
  const choose = (type: string) => {
    setGpu(type);
    const chosen = types.find(({ gpu_type: each }) => each === type)?.price;
    if (chosen) onPrice(String(chosen.median));
  };
  return (
    <div class="join-fields">
      <Input label="Name" value={id} disabled={isFixed} error={idProblem(id)} hint="Others see it." onInput={onId} />
      {types.length > 0 && (
        <Select
          label="Its GPUs"
          value={gpu}
          options={[
            { value: '', label: 'choose for the market’s price' },
            ...types.map((type) => ({ value: type.gpu_type, label: type.name })),
          ]}
          onChange={choose}
        />
      )}
      <Input
        label="Price of one GPU"
        unit="an hour"
        inputMode="decimal"
        value={price}
        error={'problem' in read ? read.problem : undefined}
        hint={gpu === '' ? 'You can change it here at any time.' : 'The median of what others ask.'}
        onInput={onPrice}
      />
    </div>
  );
}

function Sign({ id, isSigned, onSigned }: { id: string; isSigned: boolean; onSigned(): void }) {
  const [draft, setDraft] = useState(emptyDraft);
  const [isBusy, setBusy] = useState(false);
  const wait = useWalletWait();
  const isRunning = useRef(false);
  const done = useRef<HTMLParagraphElement>(null);
  // The button that had the focus is gone; before the next key, which may lead elsewhere.
  useLayoutEffect(() => done.current?.focus(), [isSigned]);
  if (isSigned)
    return (
      <p ref={done} tabIndex={-1}>
        <State tone="good">
          <span>signed: the machine fetches it within seconds, and has ten minutes for that</span>
        </State>
      </p>
    );
  const sign = async () => {
    if (isRunning.current) return;
    isRunning.current = true;
    setBusy(true);
    try {
      await signAndLeave(id, draft, wait);
      onSigned();
    } catch (error) {
      toast(error instanceof Error ? error.message : 'The wallet did not sign.', 'bad');
    } finally {
      isRunning.current = false;
      setBusy(false);
    }
  };
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void sign();
      }}
    >
      <SignForm providerId={id} draft={draft} wait={wait} onDraft={setDraft} />
      <div>
        <Button
          type="submit"
          kind="main"
          busy={isBusy}
          disabled={!isComplete(draft) || idProblem(id) !== undefined || !canAct.value}
        >
          Sign in the wallet
        </Button>
      </div>
    </form>
  );
}

const steps: readonly [JoinStep, string][] = [
  ['signed', 'signed by your wallet'],
  ['registered', 'registered here'],
  ['joining', 'joins the cluster'],
  ['available', 'takes customers'],
];
const order: readonly JoinStep[] = ['unsigned', ...steps.map(([step]) => step)];

/** What is done, what is under way, and what is still to come. */
function Progress({ id, step }: { id: string; step: JoinStep }) {
  const at = order.indexOf(step);
  return (
    <div class="stack tight" aria-live="polite">
      <ul class="join-progress">
        {steps.map(([name, words], index) => {
          const isDone = index + 1 <= at;
          const isNext = index === at;
          return (
            <li key={name}>
              <State tone={isDone ? 'good' : isNext && at > 0 ? 'busy' : 'off'} {...(isDone ? { glyph: '✓' } : {})}>
                {words}
              </State>
            </li>
          );
        })}
      </ul>
      {step === 'available' ? (
        <p>
          It is online. <Link to={`/provider/${segment(id)}`}>See its page</Link>
        </p>
      ) : (
        <p class="soft small">This page looks every few seconds. It takes about a minute after the signature.</p>
      )}
    </div>
  );
}
