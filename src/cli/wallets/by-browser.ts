import { signFragment, signPagePath, readSignAnswer, type SignAnswer, type SignRequest } from '../../wire/sign-page.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { ask } from '../terminal/ask.js';
import { fourWords } from '../../words/two-words.js';
import { handOffMs, listenForAnswer, type Listener } from './hand-off.js';
import { canOpenBrowser, openBrowser } from './open-browser.js';

type Unsent<Request> = Request extends SignRequest ? Omit<Request, 'code' | 'port' | 'path'> : never;

/**
 * Has a wallet in the browser sign. The answer comes to a listener on this computer; without a browser here, the page
 * shows it, and it is pasted.
 */
export async function signInBrowser(
  context: Context,
  request: Unsent<SignRequest>,
  { isBrowserWanted }: { isBrowserWanted: boolean },
): Promise<SignAnswer> {
  const { screen, env } = context;
  const code = fourWords();
  const opens = isBrowserWanted && canOpenBrowser(env);
  const listener = opens ? await listenForAnswer() : undefined;
  try {
    const to = listener === undefined ? {} : { port: listener.port, path: listener.path };
    const url = `${context.api()}${signPagePath}#${signFragment({ ...request, code, ...to })}`;
    const isOpen = listener !== undefined && (await openBrowser(url, env));
    screen.warn(
      isOpen
        ? 'Sign on the page that has opened in your browser. If it has not, open:'
        : 'Open this page and sign there:',
    );
    // In one piece, however long: it is to be copied.
    process.stderr.write(`\n${url}\n\n`);
    screen.warn(`The page must show this code: ${screen.paintNote('bold', code)}`);
    return await answerOf(context, listener);
  } finally {
    listener?.close();
  }
}

async function answerOf(context: Context, listener: Listener | undefined): Promise<SignAnswer> {
  const giveUp = new AbortController();
  const clock = setTimeout(() => giveUp.abort(), handOffMs);
  const late = new Promise<never>((_, reject) =>
    giveUp.signal.addEventListener('abort', () =>
      reject(new Failure(exitCodes.timeout, 'nobody signed within five minutes', 'try again: wl login')),
    ),
  );
  late.catch(() => undefined);
  try {
    const ways: Promise<SignAnswer>[] = [late];
    if (listener !== undefined) ways.push(listener.answer);
    else ways.push(pasted(giveUp.signal));
    return await Promise.race(ways);
  } finally {
    clearTimeout(clock);
    giveUp.abort();
    context.screen.live('');
  }
}

/** What the page shows where it cannot reach this computer. */
async function pasted(signal: AbortSignal): Promise<SignAnswer> {
  for (;;) {
    const answer = readSignAnswer(await ask('What the page gave you: ', signal));
    if (answer !== undefined && 'refused' in answer) {
      throw new Failure(exitCodes.notLoggedIn, 'the wallet refused to sign, so nothing has changed');
    }
    if (answer !== undefined) return answer;
    if (process.stdin.isTTY !== true) throw usage('that is not what the sign page gives');
    process.stderr.write('That is not what the page gives: copy all of it.\n');
  }
}
