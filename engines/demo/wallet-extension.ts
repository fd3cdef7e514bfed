import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Hex } from 'viem';

const page = fileURLToPath(new URL('./wallet-page.js', import.meta.url));

export interface ExtensionOptions {
  /** The broker whose pages see the wallets. */
  origin: string;
  chainId: number;
  accounts: { name: string; privateKey: Hex }[];
  /** The script to bundle; for those who run from the sources. */
  script?: string;
}

/**
 * Writes an extension for Chromium and its relatives that has the demo's wallets, for who wants to try the console and has
 * no wallet. Only pages of the demo see it.
 *
 * @returns its folder, to be loaded as it is.
 */
export async function writeWalletExtension(
  dataDir: string,
  { origin, chainId, accounts, script = page }: ExtensionOptions,
): Promise<string> {
  const folder = resolve(dataDir, 'browser-wallet');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { outputFiles } = await build({
    entryPoints: [script],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    banner: { js: `globalThis.demoWallets=${JSON.stringify({ chainId, accounts })};` },
    footer: { js: 'delete globalThis.demoWallets;' },
  });
  const manifest = {
    manifest_version: 3,
    name: 'Wallets of the WorldLand demo',
    version: '1.0',
    description: 'Keys that are worth nothing, for the pages of one demo on this computer.',
    content_scripts: [
      // A pattern of an extension names no port.
      { matches: [`${origin.replace(/:\d+$/, '')}/*`], js: ['wallet.js'], run_at: 'document_start', world: 'MAIN' },
    ],
  };
  const guard = `if (location.origin === ${JSON.stringify(origin)}) {\n${outputFiles[0]!.text}\n}\n`;
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(folder, 'wallet.js'), guard, { mode: 0o600 });
  return folder;
}
