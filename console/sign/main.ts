import type { Address, Hex } from 'viem';
import {
  readSignFragment,
  signAnswerText,
  signAnswerUrl,
  type SignAnswer,
  type SignRequest,
} from '../../src/wire/sign-page.js';
import { BrokerRefusal, readSite, requestChallenge, type Site } from './broker.js';
import { loginToSign, ProposalError, providerToSign, type ToSign } from './proposal.js';
import {
  addWallet,
  copyAnswer,
  element,
  hideProblem,
  say,
  setBusy,
  showAnswer,
  showEnd,
  showProblem,
  showProblemWithLink,
  showRequest,
} from './screen.js';
import { otherAudience } from '../connect/audience.js';
import { injectedWallet, listenForWallets } from '../connect/find-wallets.js';
import { WalletRefusal } from '../connect/refusal.js';
import { chainOf, connect, patienceMs, sign, silenceInWords, switchChain, type Wallet } from '../connect/wallets.js';
import { durationInWords } from '../parts/words.js';

/** Wallets announce themselves at once; those that do not are looked for after this time. */
const announcementsMs = 300;
/** A machine has to use what its owner signed within ten minutes. */
const providerUseWithinS = 600;

async function start(): Promise<void> {
  const request = readSignFragment(location.hash);
  if (request === undefined) {
    showProblem(
      'This address is incomplete, so there is nothing to sign. Run the command in your terminal again, and open the whole address that it prints.',
    );
    return;
  }
  try {
    const site = await readSite();
    const { audience = location.origin } = site;
    showRequest(request, site.token);
    const other = otherAudience(audience, location);
    if (other !== undefined) {
      if (other.link === undefined) showProblem(other.text);
      else showProblemWithLink(other.text, other.link);
      return;
    }
    offerWallets(request, { ...site, audience });
  } catch (error) {
    showProblem(sentenceOf(error));
  }
}

/** The wallet that is being asked. Another answer than the one that is waited for is not used. */
let waiting: AbortController | undefined;

function offerWallets(request: SignRequest, site: Required<Site>): void {
  let count = 0;
  const known = new Set<unknown>();
  const offer = (wallet: Wallet) => {
    count += 1;
    addWallet(wallet, (button) => void useWallet(wallet, button, request, site));
  };
  const lookOnce = () => {
    const injected = count === 0 ? injectedWallet() : undefined;
    if (injected !== undefined) {
      known.add(injected.provider);
      offer(injected);
    }
    element('no-wallet').hidden = count > 0;
  };
  element('choose').hidden = false;
  element('refuse').addEventListener('click', () => refuse(request));
  element('copy').addEventListener('click', () => void copyAnswer());
  element('look-again').addEventListener('click', () => {
    dispatchEvent(new Event('eip6963:requestProvider'));
    lookOnce();
    say(count === 0 ? 'There is still no wallet here.' : '');
    element(count === 0 ? 'look-again' : 'wallets')
      .querySelector('button')
      ?.focus();
  });
  listenForWallets(offer, known);
  // Browsers of phones put theirs into the page later, and say so.
  addEventListener('ethereum#initialized', lookOnce);
  setTimeout(lookOnce, announcementsMs);
}

async function useWallet(
  wallet: Wallet,
  button: HTMLButtonElement,
  request: SignRequest,
  site: Required<Site>,
): Promise<void> {
  hideProblem();
  setBusy(true);
  const mine = new AbortController();
  waiting = mine;
  const { signal } = mine;
  const timer = setTimeout(() => say(silenceInWords(wallet.name)), patienceMs);
  try {
    const answer = await signWith(wallet, { request, site, signal });
    signal.throwIfAborted();
    const isSent = request.port !== undefined && request.path !== undefined;
    showAnswer(signAnswerText(answer), { wallet: answer.wallet, isSent });
    if (isSent) location.assign(signAnswerUrl({ port: request.port!, path: request.path! }, answer));
  } catch (error) {
    if (signal.aborted) return;
    setBusy(false);
    showProblem(sentenceOf(error), button);
  } finally {
    clearTimeout(timer);
    setBusy(false);
  }
}

/** @throws WalletRefusal, BrokerRefusal, ProposalError */
async function signWith(
  wallet: Wallet,
  { request, site, signal }: { request: SignRequest; site: Required<Site>; signal: AbortSignal },
): Promise<SignAnswer> {
  say(`${wallet.name} asks you which account to use.`);
  const account = await connect(wallet, signal);
  const current = await chainOf(wallet, signal);
  const askedMs = performance.now();
  const { message, expiresInS } = await messageFor(account, current, request, site);
  signal.throwIfAborted();
  if (current !== message.chainId) {
    say(`${wallet.name} has to change to the chain with the id ${message.chainId}.`);
    await switchChain(wallet, message.chainId, signal);
  }
  say(`${wallet.name} asks you to sign.`);
  const signature = await sign(wallet, account, message.typedData, signal);
  if (performance.now() - askedMs > expiresInS * 1000) {
    throw new BrokerRefusal(
      `That took longer than ${durationInWords(expiresInS)}, and the broker no longer accepts what was signed. Choose the wallet again: the next one is new.`,
    );
  }
  const { chainId, issuedAt, expiresAt, nonce } = message;
  return { wallet: account, chainId, issuedAt, expiresAt, nonce, signature };
}

async function messageFor(
  account: Address,
  current: number | undefined,
  request: SignRequest,
  { audience, chainIds }: Required<Site>,
): Promise<{ message: ToSign; expiresInS: number }> {
  const nowS = Math.floor(Date.now() / 1000);
  const fits = current !== undefined && chainIds.includes(current);
  const chosen = request.chainId ?? (fits ? current : chainIds[0]);
  if (request.kind === 'provider') {
    const signer = { wallet: account, chainId: chosen ?? current ?? 1, audience, nowS };
    return { message: providerToSign(request, signer, newNonce()), expiresInS: providerUseWithinS };
  }
  const { typedData, expiresInS } = await requestChallenge(request, account, chosen);
  const chainId = chosen ?? proposedChain(typedData);
  return { message: loginToSign(request, { wallet: account, chainId, audience, nowS }, typedData), expiresInS };
}

/** The chain that the broker proposes, if nobody asked for one. */
function proposedChain(typedData: unknown): number {
  return Number((typedData as { domain?: { chainId?: unknown } } | null)?.domain?.chainId);
}

function newNonce(): Hex {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return `0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** Says no to the terminal, so that it does not wait in vain. */
function refuse(request: SignRequest): void {
  waiting?.abort();
  showEnd('Nothing was signed. You may close this page.');
  if (request.port === undefined || request.path === undefined) return;
  location.assign(signAnswerUrl({ port: request.port, path: request.path }, { refused: true }));
}

function sentenceOf(error: unknown): string {
  const isOurs = error instanceof WalletRefusal || error instanceof BrokerRefusal || error instanceof ProposalError;
  if (isOurs) return error.message;
  console.error(error);
  return 'Something went wrong in this page. Nothing was sent. Reload it and try again.';
}

// Another address pasted into the same tab changes the fragment alone.
addEventListener('hashchange', () => location.reload());
void start();
