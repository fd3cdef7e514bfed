import { useState } from 'preact/hooks';
import type { MintedToken } from '../../src/client/shapes.js';
import { loginFailure, type LoginFailure } from '../connect/failure.js';
import { readLimit } from '../connect/limits.js';
import { mintToken } from '../connect/open-session.js';
import { WalletList } from '../connect/wallet-list.js';
import { useWalletWait, WaitingFor } from '../connect/wallet-wait.js';
import type { Wallet } from '../connect/wallets.js';
import { refresh, site, token } from '../live/index.js';
import { Button, Check, CommandLine, Copy, Dialog, Input, plain, Select, Time } from '../parts/index.js';
import {
  emptyForm,
  lifetimesWithin,
  maySpend,
  scopeChoices,
  tokenProblems,
  type TokenForm,
  type TokenScope,
} from './token-form.js';

/** Makes a token for a program: what it may do, for how long, what it may spend, and which wallet signs that. */
export function TokenDialog({ onClose }: { onClose(): void }) {
  const [minted, setMinted] = useState<MintedToken>();
  return minted === undefined ? (
    <Asking onMinted={setMinted} onClose={onClose} />
  ) : (
    <Shown minted={minted} onClose={onClose} />
  );
}

interface AskingProps {
  onMinted(minted: MintedToken): void;
  onClose(): void;
}

function Asking({ onMinted, onClose }: AskingProps) {
  const [form, setForm] = useState<TokenForm>(emptyForm);
  const [asked, setAsked] = useState<Wallet>();
  const [said, setSaid] = useState('');
  const [failure, setFailure] = useState<LoginFailure>();
  const wait = useWalletWait();
  const { decimals } = token();
  const problems = tokenProblems(form, decimals);
  const isReady = Object.keys(problems).length === 0;
  const use = async (wallet: Wallet) => {
    setAsked(wallet);
    setFailure(undefined);
    try {
      const limit = maySpend(form) ? readLimit(form.limit, decimals)! : '0';
      const label = plain(form.name, 60) || 'A token of the console';
      const asked = { ...form, limit, label, ttlSeconds: Number(form.lifetime), say: setSaid };
      onMinted(await wait.ask(wallet.name, async (signal) => await mintToken(wallet, { ...asked, signal })));
      refresh('account');
    } catch (error) {
      setFailure(loginFailure(error, { smartWallets: site.peek()?.auth.smart_wallets === true }));
      setSaid('');
      setAsked(undefined);
    }
  };
  return (
    <Dialog title="New token" onClose={onClose}>
      <p class="soft">
        For a program that does your work: it says the token instead of having your wallet sign. It gets a session of
        its own, which you can end here at any time.
      </p>
      <Fields form={form} onForm={setForm} problems={problems} />
      <div class="stack tight">
        <h3>Which wallet signs?</h3>
        <WalletList asked={asked} disabled={!isReady} onChoose={(wallet) => void use(wallet)} />
      </div>
      <WaitingFor of={wait} said={said} />
      {failure !== undefined && (
        <p class="note tone-bad" role="alert">
          <bdi dir="ltr">{failure.text}</bdi>
        </p>
      )}
    </Dialog>
  );
}

interface FieldsProps {
  form: TokenForm;
  onForm(form: TokenForm): void;
  problems: ReturnType<typeof tokenProblems>;
}

function Fields({ form, onForm, problems }: FieldsProps) {
  const auth = site.value?.auth;
  const longest = Math.min(auth?.token_ttl_max_s ?? 86_400, auth?.session_ttl_max_s ?? 86_400);
  const change = (part: Partial<TokenForm>) => onForm({ ...form, ...part });
  const toggle = (scope: TokenScope, isOn: boolean) =>
    change({ scopes: isOn ? [...form.scopes, scope] : form.scopes.filter((each) => each !== scope) });
  return (
    <>
      <Input
        label="What it is for"
        placeholder="nightly training"
        value={form.name}
        maxLength={60}
        onInput={(name) => change({ name })}
      />
      <fieldset class="scopes">
        <legend>What it may do</legend>
        {scopeChoices.map(({ scope, label }) => (
          <Check
            key={scope}
            label={label}
            checked={form.scopes.includes(scope)}
            onChange={(isOn) => toggle(scope, isOn)}
          />
        ))}
        {problems.scopes !== undefined && <p class="field-error">{problems.scopes}</p>}
      </fieldset>
      <div class="row token-limits">
        <Select
          label="For how long"
          value={form.lifetime}
          options={lifetimesWithin(longest)}
          onChange={(lifetime) => change({ lifetime })}
        />
        {maySpend(form) && (
          <Input
            label="It may spend"
            inputMode="decimal"
            unit={plain(token().symbol, 12)}
            value={form.limit}
            error={problems.limit}
            onInput={(limit) => change({ limit })}
          />
        )}
      </div>
    </>
  );
}

/** The token, once: it is in this dialog's memory and nowhere else. */
function Shown({ minted, onClose }: { minted: MintedToken; onClose(): void }) {
  return (
    <Dialog
      title="Your new token"
      onClose={onClose}
      footer={
        <Button kind="main" onClick={onClose}>
          Done
        </Button>
      }
    >
      <p>
        <b>It is shown only now.</b> Copy it to where your program finds it. Whoever has it can do what you allowed,
        until <Time at={minted.expires_at} />.
      </p>
      <CommandLine text={minted.token} what="the token" />
      <p class="soft small">
        With <code>wl</code>: <code>WORLDLAND_TOKEN=… wl ls</code>. With curl: <code>Authorization: Bearer …</code>
      </p>
      <p class="row">
        <Copy text={`export WORLDLAND_TOKEN=${minted.token}`} what="the line that sets it in a shell">
          Copy as export
        </Copy>
      </p>
    </Dialog>
  );
}
