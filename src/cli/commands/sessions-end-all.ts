import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { confirm } from '../terminal/ask.js';
import type { Args } from '../tree/command.js';
import { walletKindsWithoutPage } from '../wallets/kinds.js';
import { walletKind } from '../wallets/signer.js';

interface Flags {
  byWallet?: boolean;
  wallet?: string;
  yes?: boolean;
}

export async function run(context: Context, _args: Args, flags: Flags): Promise<void> {
  const { screen } = context;
  const client = await context.client();
  if (flags.yes !== true) {
    if (!screen.canAsk) throw usage('this ends all logins of the wallet', 'if that is meant: -y');
    const question = 'End all logins of the wallet? Jobs go on, and nothing can be ordered until the next login.';
    if (!(await confirm(question, false))) throw new Failure(exitCodes.interrupted, 'nothing was ended');
  }
  if (flags.byWallet === true) {
    const kind = walletKind(flags.wallet, context.env);
    if (kind === 'browser') {
      throw usage('--by-wallet needs a wallet that wl can ask', `--wallet ${walletKindsWithoutPage}`);
    }
    await client.revokeByWallet({ wallet: await kind.signer() });
    // The one of this computer is ended with the others.
    await client.logout().catch(() => undefined);
  } else {
    await client.logout({ everywhere: true });
  }
  screen.note('All logins of the wallet are ended.');
}
