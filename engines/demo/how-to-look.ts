import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { privateKeyToAccount } from 'viem/accounts';
import type { DemoWallet } from './keys.js';

const pages: Record<string, string> = { customer: 'rent', owner: 'provider', operator: 'operator' };

interface Around {
  wallets: readonly DemoWallet[];
  /** The machine of the owner among them. */
  owned: string;
  /** The folder of the browser's extension. */
  extension: string;
  chainId: number;
  /** URL of the chain's node, where jobs are paid on a chain. */
  node: string | undefined;
  /** Whether there is a job whose image never comes. */
  isStuck: boolean;
}

/** What somebody who has a browser is told, with a wallet of their own and without one, for terminals of 80 columns. */
export function howToLook(api: string, { wallets, owned, extension, chainId, node, isStuck }: Around): string[] {
  const does: Record<string, string> = { customer: 'rents', owner: `has ${owned}`, operator: 'operates the broker' };
  return [
    'Open it in a browser: the market needs no wallet. All else begins with',
    '“Connect wallet”.',
    ...(node === undefined
      ? [`You have a wallet there: it signs one message, on the chain ${chainId}, and`, 'pays nothing.']
      : ['You have a wallet there: add the network', `  ${node}, chain ${chainId}`]),
    'You have none: take the one of this demo, in Chrome, Edge, Brave or',
    'Chromium. Open chrome://extensions, switch on “Developer mode”, choose',
    '“Load unpacked”, then the folder',
    `  ${shown(extension)}`,
    'It offers three people:',
    ...wallets.map(({ role }) => `  ${role.padEnd(8)}  ${does[role]!.padEnd(19)}  ${api}/console/${pages[role]!}`),
    ...(isStuck ? ['The stuck job is under “Now” on the operator’s page, a minute after its', 'order.'] : []),
    'Or import a key of theirs into your wallet. Only this demo accepts them;',
    'never send money there:',
    ...wallets.flatMap(({ role, privateKey }) => [
      `  ${role.padEnd(8)}  ${privateKeyToAccount(privateKey).address}`,
      `  key ${privateKey}`,
    ]),
  ];
}

/** As one types it from here, if that is shorter. */
function shown(folder: string): string {
  const typed = relative('.', folder);
  return existsSync(typed) && typed.length < folder.length ? typed : folder;
}
