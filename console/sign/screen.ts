import type { SignRequest } from '../../src/wire/sign-page.js';
import type { Wallet } from '../connect/wallets.js';
import { amountInWords, plain, shortAddress, type Token } from '../parts/words.js';
import { scopeInWords, validityInWords } from './words.js';

/** An element of the page, which `sign.html` has. */
export function element<E extends HTMLElement = HTMLElement>(id: string): E {
  return document.getElementById(id) as E;
}

export function say(text: string): void {
  element('status').textContent = text;
}

/** Says what is wrong, where a screen reader and the keyboard find it; `focus` gets the focus instead if it is given. */
export function showProblem(text: string, focus?: HTMLElement): void {
  const problem = element('problem');
  say('');
  problem.replaceChildren(paragraph(text));
  problem.hidden = false;
  (focus ?? problem).focus();
}

export function hideProblem(): void {
  element('problem').hidden = true;
}

/** The problem with a link under it: for a page that has to be opened at another address. */
export function showProblemWithLink(text: string, link: URL): void {
  showProblem(text);
  const anchor = document.createElement('a');
  anchor.href = link.href;
  anchor.textContent = `Open it at ${link.host}`;
  const line = document.createElement('p');
  line.append(anchor);
  element('problem').append(line);
}

/** What the signature allows, in words: all of it, since the wallet shows only field names. */
export function showRequest(request: SignRequest, token: Token): void {
  element('code').textContent = request.code.replaceAll('-', ' ');
  element('intro').textContent =
    request.kind === 'login'
      ? 'A program asks to use this broker for your wallet. Your wallet’s key stays in your wallet, and nothing can move funds from it.'
      : 'A machine asks to be rented out for your wallet. Your wallet’s key stays in your wallet, and nothing can move funds from it.';
  element('facts').replaceChildren(...factsOf(request, token).flatMap(([term, said]) => fact(term, said)));
  element('request').hidden = false;
}

function factsOf(request: SignRequest, token: Token): [string, string | string[]][] {
  const valid = validityInWords(request, Date.now());
  const broker: [string, string] = ['At this broker', location.host];
  if (request.kind === 'provider') {
    return [
      ['It may', [`Register as the provider “${request.providerId}”, with its GPUs and prices, and join the cluster`]],
      ['Paid', 'What it earns goes to the wallet that signs'],
      ['For how long', valid],
      broker,
      ['Key of the machine', request.nodeKey],
    ];
  }
  const limit =
    request.spendLimit === '0' ? 'Nothing: only what is free' : `At most ${amountInWords(request.spendLimit, token)}`;
  return [
    ['It may', request.scopes.map(scopeInWords)],
    ['It may spend', limit],
    ['For how long', valid],
    ['Which computer', plain(request.label, 64) || 'It did not say'],
    broker,
    ['Key of the login', request.sessionKey],
  ];
}

function fact(term: string, said: string | string[]): HTMLElement[] {
  const name = document.createElement('dt');
  name.textContent = term;
  const value = document.createElement('dd');
  if (typeof said === 'string') value.append(isolated(said));
  else {
    const list = document.createElement('ul');
    for (const each of said) {
      const item = document.createElement('li');
      item.append(isolated(each));
      list.append(item);
    }
    value.append(list);
  }
  return [name, value];
}

/** A button for a wallet, with its icon. */
export function addWallet(wallet: Wallet, chosen: (button: HTMLButtonElement) => void): void {
  const button = document.createElement('button');
  button.type = 'button';
  if (wallet.icon !== undefined) {
    const icon = document.createElement('img');
    icon.src = wallet.icon;
    icon.alt = '';
    icon.width = icon.height = 28;
    button.append(icon);
  }
  button.append(isolated(wallet.name));
  button.addEventListener('click', () => chosen(button));
  const item = document.createElement('li');
  item.append(button);
  element('wallets').append(item);
  element('no-wallet').hidden = true;
}

/** While a wallet is asked, no other may be chosen; a wallet may never answer, so to say no is always possible. */
export function setBusy(busy: boolean): void {
  for (const button of element('wallets').querySelectorAll('button')) button.disabled = busy;
}

/** The end: what was signed is on its way, or is to be pasted. */
export function showAnswer(text: string, { wallet, isSent }: { wallet: string; isSent: boolean }): void {
  element('answer-intro').textContent = isSent
    ? `Your terminal gets the answer of ${shortAddress(wallet)} by itself. If it goes on waiting, paste this there:`
    : `${shortAddress(wallet)} has signed. Copy this, and paste it into the terminal that waits for it:`;
  element<HTMLTextAreaElement>('answer-text').value = text;
  element('choose').hidden = true;
  element('answer').hidden = false;
  say('');
  element('answer-title').focus();
}

/** Copies the answer, or selects it where the browser does not let pages copy. */
export async function copyAnswer(): Promise<void> {
  const area = element<HTMLTextAreaElement>('answer-text');
  area.focus();
  area.select();
  try {
    await navigator.clipboard.writeText(area.value);
    say('Copied.');
  } catch {
    say('It is selected: copy it with the keys of your system.');
  }
}

export function showEnd(text: string): void {
  for (const id of ['request', 'choose', 'answer', 'problem']) element(id).hidden = true;
  say(text);
}

function paragraph(text: string): HTMLElement {
  const made = document.createElement('p');
  made.append(isolated(text));
  return made;
}

/** Text that strangers may have had a part in, kept from changing the order of what stands around it. */
function isolated(text: string): HTMLElement {
  const made = document.createElement('bdi');
  made.dir = 'ltr';
  made.textContent = text;
  return made;
}
