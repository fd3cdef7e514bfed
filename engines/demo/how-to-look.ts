import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { privateKeyToAccount } from 'viem/accounts';
import type { DemoWallet } from './keys.js';

const does: Record<string, string> = {
  customer: 'rents',
  owner: 'has the machine demo-atlas',
  operator: 'operates the broker',
};

/** What somebody who has a browser is told, with a wallet of their own and without one. */
export function howToLook(
  api: string,
  { wallets, extension, chainId }: { wallets: readonly DemoWallet[]; extension: string; chainId: number },
): string[] {
  return [
    `With a wallet of yours in that browser: choose “Connect wallet”. It signs one message on the chain ${chainId}, and pays nothing.`,
    'Without one, these three, whose keys are worth nothing and only this demo accepts. Never send money to them:',
    ...wallets.map(
      ({ role, privateKey }) =>
        `  ${role.padEnd(8)}  ${privateKeyToAccount(privateKey).address}  ${does[role]}; key ${privateKey}`,
    ),
    'Import a key into a wallet, or load all three as an extension (Chrome, Edge, Brave, Chromium): open the page',
    `chrome://extensions, switch on “Developer mode”, choose “Load unpacked”, and then the folder ${shown(extension)}`,
    `The operator’s page is ${api}/console/operator, the owner’s ${api}/console/provider`,
  ];
}

/** As one types it from here, if that is shorter. */
function shown(folder: string): string {
  const typed = relative('.', folder);
  return existsSync(typed) && typed.length < folder.length ? typed : folder;
}
