import { useState } from 'preact/hooks';
import { delegationStatement } from '../../src/wire/session-typed-data.js';
import { login, readSite, site, toast, token, whoami, type Ask } from '../live/index.js';
import { Button, Copy, Dialog, figureOf, plain, shortAddress } from '../parts/index.js';
import { otherAudience } from './audience.js';
import { loginFailure, type LoginFailure } from './failure.js';
import { LimitChoice } from './limit-choice.js';
import { limitsThatCover, neededFigure, offered, readLimit, suggested } from './limits.js';
import { endAllSessions, logIn, logInAsOperator } from './open-session.js';
import { WalletList } from './wallet-list.js';
import { useWalletWait, WaitingFor } from './wallet-wait.js';
import type { Wallet } from './wallets.js';

/** The dialogs that ask a wallet: connect, connect again, allow more, operator. */
export default function ConnectDialog({ question }: { question: Ask }) {
  const other = otherAudience(site.value?.audience, location);
  return other === undefined ? <Asking question={question} /> : <Elsewhere question={question} {...other} />;
}

function Elsewhere({ question, text, link }: { question: Ask; text: string; link: URL | undefined }) {
  return (
    <Dialog title="Open the console at its own address" onClose={() => question.settle(false)}>
      <p>
        <bdi dir="ltr">{plain(text, 400)}</bdi>
      </p>
      {link !== undefined && (
        <p>
          <a href={link.href}>Open it at {link.host}</a>
        </p>
      )}
    </Dialog>
  );
}

function Asking({ question }: { question: Ask }) {
  const { decimals } = token();
  const choices =
    question.kind === 'more' && !isChange(question) ? limitsThatCover(question.needed, decimals) : offered;
  const [chosen, setChosen] = useState<string>(() => firstChoice(question, choices));
  const [own, setOwn] = useState('');
  const [asked, setAsked] = useState<Wallet>();
  const [said, setSaid] = useState('');
  const wait = useWalletWait();
  const [failure, setFailure] = useState<LoginFailure & { wallet: Wallet }>();
  const limit = chosen === 'own' ? readLimit(own, decimals) : chosen;
  const isOperator = question.kind === 'operator';

  const use = async (wallet: Wallet, { first }: { first?: typeof endAllSessions } = {}) => {
    const before = login.peek()?.wallet;
    setFailure(undefined);
    setAsked(wallet);
    const focused = document.activeElement;
    try {
      await wait.ask(wallet.name, async (signal) => {
        const asked = { say: setSaid, signal };
        await first?.(wallet, asked);
        if (site.peek() === undefined) await readSite();
        signal.throwIfAborted();
        if (isOperator) await logInAsOperator(wallet, { ...asked, isFirst: before === undefined });
        else await logIn(wallet, { ...asked, limit: limit! });
      });
      finish(question, before);
    } catch (error) {
      setFailure({ ...loginFailure(error, { smartWallets: site.peek()?.auth.smart_wallets === true }), wallet });
      setSaid('');
      requestAnimationFrame(() => (focused as HTMLElement | null)?.focus());
    } finally {
      setAsked(undefined);
    }
  };

  return (
    <Dialog
      title={isChange(question) ? 'Change the limit' : titles[question.kind]}
      onClose={() => question.settle(false)}
    >
      <Why question={question} />
      {!isOperator && <LimitChoice offered={choices} chosen={chosen} own={own} onChoose={setChosen} onOwn={setOwn} />}
      <div class="stack tight">
        <h3>Which wallet signs?</h3>
        <WalletList asked={asked} disabled={!isOperator && limit === undefined} onChoose={(w) => void use(w)} />
      </div>
      <WaitingFor of={wait} said={said} />
      {failure !== undefined && (
        <Failed failure={failure} onEndOthers={() => void use(failure.wallet, { first: endAllSessions })} />
      )}
      <p class="soft small">
        Your wallet will show: <q>{delegationStatement}</q>
      </p>
    </Dialog>
  );
}

const titles: Record<Ask['kind'], string> = {
  connect: 'Connect a wallet',
  reconnect: 'Connect again',
  more: 'Allow more',
  operator: 'Sign in as an operator',
};

/** Nothing needs it: the person wants another limit. */
const isChange = (question: Ask) => question.kind === 'more' && BigInt(question.needed) === 0n;

/** What the limit was before, if that is among the choices. */
function firstChoice(question: Ask, choices: readonly string[]): string {
  if (question.kind === 'more' && !isChange(question)) return choices[0]!;
  const { decimals } = token();
  const before = question.kind === 'connect' ? undefined : login.peek()?.spendLimit;
  const inTokens = before === undefined ? undefined : choices.find((choice) => sameAmount(choice, before, decimals));
  return inTokens ?? suggested;
}

function sameAmount(tokens: string, baseUnits: string, decimals: number): boolean {
  return BigInt(tokens) * 10n ** BigInt(decimals) === BigInt(baseUnits);
}

function Why({ question }: { question: Ask }) {
  if (question.kind === 'more') {
    const { symbol, decimals } = token();
    const left = whoami.value?.spend_remaining;
    return (
      <p>
        {!isChange(question) && (
          <>
            This needs <b class="num">{neededFigure(question.needed, decimals)}</b> {plain(symbol, 12)}
            {left !== undefined && (
              <>
                , and you have <b class="num">{figureOf(left, decimals)}</b> left
              </>
            )}
            .{' '}
          </>
        )}
        A new session with a limit of its own begins. Older jobs stay on the old one.
      </p>
    );
  }
  if (question.kind === 'reconnect')
    return <p>Your login has ended. Sign once more, and what you were doing goes on. Your jobs were not affected.</p>;
  if (question.kind === 'operator')
    return (
      <p>
        Every request of an operator is signed by a key that only this page’s memory has. A reload forgets it, and asks
        your wallet again.
      </p>
    );
  return <p>{question.why ?? 'Your wallet signs once. Nothing can move funds from it.'}</p>;
}

function Failed({ failure, onEndOthers }: { failure: LoginFailure; onEndOthers(): void }) {
  return (
    <div class="note tone-bad" role="alert">
      <p>
        <bdi dir="ltr">{failure.text}</bdi>
      </p>
      {failure.isQuota && (
        <div class="row">
          <Button size="s" onClick={onEndOthers}>
            End all others, then connect
          </Button>
          <span class="small soft">
            Your wallet signs twice. Jobs go on; programs with a token have to log in again.
          </span>
        </div>
      )}
      {failure.requestId !== undefined && (
        <span class="row small soft">
          Request <code>{failure.requestId.slice(0, 8)}…</code>
          <Copy text={failure.requestId} what="the id of the request">
            Copy id
          </Copy>
        </span>
      )}
    </div>
  );
}

/** What was asked for goes on, unless it was another wallet's. */
function finish(question: Ask, before: string | undefined): void {
  const now = login.peek()?.wallet;
  const isOther = question.kind !== 'operator' && before !== undefined && now !== before;
  if (isOther) toast(`You are connected with another wallet now, ${shortAddress(now!)}. Nothing was sent for it.`);
  else if (question.kind === 'connect') toast(`Connected as ${shortAddress(now!)}.`, 'good');
  question.settle(!isOther);
}
