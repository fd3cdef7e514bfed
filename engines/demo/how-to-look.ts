import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { privateKeyToAccount } from 'viem/accounts';
import type { DemoWallet } from './keys.js';

interface Person {
  does: string;
  /** Where that is, below the console. */
  page: string;
}

const people: Record<string, Person> = {
  customer: { does: 'rents', page: 'rent' },
  owner: { does: 'has the machine', page: 'provider' },
  operator: { does: 'operates the broker', page: 'operator' },
};

interface Around {
  wallets: readonly DemoWallet[];
  /** The machine of the owner among them. */
  owned: string;
  /** The folder of the browser's extension. */
  extension: string;
  chainId: number;
  /** What to type for test tokens, where jobs are paid on a chain. */
  faucet: string | undefined;
  /** URL of that chain's node. */
  node: string | undefined;
  /** Whether there is a job whose image never comes. */
  isStuck: boolean;
}

/** What somebody who has a browser is told, with a wallet of their own and without one. */
export function howToLook(
  api: string,
  { wallets, owned, extension, chainId, faucet, node, isStuck }: Around,
): string[] {
  return [
    'Open it in a browser: the market needs no wallet. All else begins with “Connect wallet”.',
    faucet === undefined
      ? `You have a wallet there: it signs one message, on the chain ${chainId}, and pays nothing.`
      : `You have a wallet there: add the network ${node}, chain ${chainId}. Tokens for it: ${faucet}`,
    'You have none: take the one of this demo, in Chrome, Edge, Brave or Chromium. Open chrome://extensions, switch on',
    `“Developer mode”, choose “Load unpacked”, then the folder ${shown(extension)}`,
    'It offers three people:',
    ...wallets.map(({ role }) => {
      const { does: what, page } = people[role]!;
      const does = role === 'owner' ? `${what} ${owned}` : what;
      return `  ${role.padEnd(8)}  ${does.padEnd(26)}  ${api}/console/${page}`;
    }),
    ...(isStuck ? ['The stuck job is under “Now” on the operator’s page, a minute after its order.'] : []),
    'Or import a key of theirs into your wallet. Only this demo accepts them; never send money there:',
    ...wallets.map(
      ({ role, privateKey }) => `  ${role.padEnd(8)}  ${privateKeyToAccount(privateKey).address}  key ${privateKey}`,
    ),
  ];
}

/** As one types it from here, if that is shorter. */
function shown(folder: string): string {
  const typed = relative('.', folder);
  return existsSync(typed) && typed.length < folder.length ? typed : folder;
}
