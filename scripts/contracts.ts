import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import type { Abi } from 'viem';
import { packageRoot } from '../engines/paths.js';

const folder = join(packageRoot, 'contracts');
/** What is committed: the vault, and the token of tests and demonstrations. */
const published = { RentalVault: 'RentalVault.sol', TestToken: 'test/TestToken.sol' };

/**
 * `paris`, because chains that lag behind have no newer opcodes. Without the hash of the sources, a comment does not
 * change the bytecode.
 */
const settings = {
  evmVersion: 'paris',
  viaIR: true,
  optimizer: { enabled: true, runs: 1_000 },
  metadata: { bytecodeHash: 'none' },
};

export interface Contract {
  abi: Abi;
  /** Of the constructor, whose arguments follow it. */
  bytecode: `0x${string}`;
  layout: Layout;
}

/** Where a contract keeps its variables, as the compiler describes it. Numbers are decimal texts. */
export interface Layout {
  storage: Variable[];
  types: Record<string, { encoding: string; numberOfBytes: string; value?: string; members?: Variable[] }>;
}

export interface Variable {
  label: string;
  slot: string;
  /** Bytes from the low end of the slot. */
  offset: number;
  /** A name among the types. */
  type: string;
}

/** Texts of Solidity by their paths below `contracts/`. */
export type Sources = Record<string, string>;

export function readSources(): Sources {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.sol'));
  return Object.fromEntries(files.sort().map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
}

interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  contracts?: Record<
    string,
    Record<string, { abi: Abi; evm: { bytecode: { object: string } }; storageLayout: Layout }>
  >;
}

/**
 * All contracts of the sources by their names.
 *
 * @param only the files whose contracts are wanted; what they import need not be among them
 * @param besides other settings than those of what is published: without `viaIR` it takes a sixth of the time
 * @throws Error with what the compiler says, warnings included
 */
export function compile(
  sources: Sources,
  only: readonly string[] = Object.keys(sources),
  besides: Partial<typeof settings> = {},
): Record<string, Contract> {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([file, content]) => [file, { content }])),
    settings: {
      ...settings,
      ...besides,
      outputSelection: Object.fromEntries(
        only.map((file) => [file, { '*': ['abi', 'evm.bytecode.object', 'storageLayout'] }]),
      ),
    },
  };
  const output = JSON.parse(compiler().compile(JSON.stringify(input))) as Output;
  const said = (output.errors ?? []).map(({ formattedMessage }) => formattedMessage);
  if (said.length > 0) throw new Error(said.join('\n'));
  return Object.fromEntries(
    Object.values(output.contracts ?? {})
      .flatMap((file) => Object.entries(file))
      .map(([name, { abi, evm, storageLayout }]) => [
        name,
        { abi, bytecode: `0x${evm.bytecode.object}`, layout: storageLayout },
      ]),
  );
}

/** Loaded when it is needed: it is 9 MB and takes a second. */
function compiler(): { compile: (input: string) => string; version: () => string } {
  return createRequire(import.meta.url)('solc') as ReturnType<typeof compiler>;
}

/** The files that are made from the sources, with their texts. */
export async function contractFiles(): Promise<{ file: string; text: string }[]> {
  const sources = readSources();
  const compiled = compile(sources, Object.values(published));
  const version = compiler().version();
  const json = Object.entries(published).map(([name, file]) => {
    const { abi, bytecode } = compiled[name]!;
    const text = JSON.stringify({ compiler: version, settings, abi, bytecode });
    return { file: `contracts/${file.replace('.sol', '.json')}`, text };
  });
  const abi = {
    file: 'src/chain/rental-vault-abi.ts',
    text: `/** What \`npm run contracts:build\` made of contracts/RentalVault.sol. */\nexport const rentalVaultAbi = ${JSON.stringify(compiled['RentalVault']!.abi)} as const;\n`,
  };
  return await Promise.all([...json, abi].map(async ({ file, text }) => ({ file, text: await styled(file, text) })));
}

async function styled(file: string, text: string): Promise<string> {
  const path = join(packageRoot, file);
  return await format(text, { ...(await resolveConfig(path)), filepath: path });
}
