import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Hex } from 'viem';

const script = (name: string) => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

export interface ExtensionOptions {
  /** The broker whose pages see the wallets. */
  origin: string;
  chainId: number;
  /** URL of the chain's node, if there is a chain: then the wallets send transactions, too. */
  node?: string | undefined;
  accounts: { name: string; privateKey: Hex }[];
  /** The scripts to bundle; for those who run from the sources. */
  scripts?: { page: string; relay: string };
}

/**
 * Writes an extension for Chromium and its relatives that has the demo's wallets, for who wants to try the console and has
 * no wallet. Only pages of the demo see it.
 *
 * @returns its folder, to be loaded as it is.
 */
export async function writeWalletExtension(
  dataDir: string,
  {
    origin,
    chainId,
    node,
    accounts,
    scripts = { page: script('wallet-page'), relay: script('wallet-relay') },
  }: ExtensionOptions,
): Promise<string> {
  const folder = resolve(dataDir, 'browser-wallet');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = async (file: string, from: string, known: Record<string, unknown>) => {
    const text = await bundled(from, known);
    // A pattern of an extension names no port.
    const guard = `if (location.origin === ${JSON.stringify(origin)}) {\n${text}\n}\n`;
    writeFileSync(join(folder, file), guard, { mode: 0o600 });
  };
  // It has to listen before the page's own script asks.
  if (node === undefined) rmSync(join(folder, 'relay.js'), { force: true });
  else await write('relay.js', scripts.relay, { demoNode: { node, origin } });
  await write('wallet.js', scripts.page, { demoWallets: { chainId, hasNode: node !== undefined, accounts } });
  const matches = [`${origin.replace(/:\d+$/, '')}/*`];
  const manifest = {
    manifest_version: 3,
    name: 'Wallets of the WorldLand demo',
    version: '1.0',
    description: 'Keys that are worth nothing, for the pages of one demo on this computer.',
    content_scripts: [
      ...(node === undefined ? [] : [{ matches, js: ['relay.js'], run_at: 'document_start' }]),
      { matches, js: ['wallet.js'], run_at: 'document_start', world: 'MAIN' },
    ],
  };
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}

/** A script in one file, which finds these variables, and leaves none of them behind. */
async function bundled(entryPoint: string, known: Record<string, unknown>): Promise<string> {
  const set = Object.entries(known).map(([name, value]) => `globalThis.${name}=${JSON.stringify(value)};`);
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    ...{ bundle: true, minify: true, format: 'iife', target: 'es2022', write: false },
    banner: { js: set.join('') },
    footer: {
      js: Object.keys(known)
        .map((name) => `delete globalThis.${name};`)
        .join(''),
    },
  });
  return outputFiles[0]!.text;
}
