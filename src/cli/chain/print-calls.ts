import type { Context } from '../context.js';
import { vaultLines } from './agree.js';
import type { Call } from './calls.js';
import type { FoundVault } from './named-vault.js';

/** Prints what any wallet can send by itself, such as one that is a contract, and sends nothing. */
export function printCalls({ screen, global }: Context, { vault }: FoundVault, calls: readonly Call[]): void {
  const printed = calls.map(({ what, to, data }) => ({ what, to, value: '0', data }));
  if (global.json === true) return screen.json({ chain_id: vault.chainId, calls: printed });
  for (const [name, text] of vaultLines(vault)) screen.note(`  ${name.padEnd(9)}${text}`);
  screen.note(`  Send these from the wallet on chain ${vault.chainId}, in this order:`);
  for (const { what, to, data } of printed) {
    screen.print(`${what} to ${to}`);
    // In one piece, however long: it is to be copied.
    process.stdout.write(`${data}\n`);
  }
}
