import { encodeFunctionData, type Abi, type Address, type Hex } from 'viem';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import type { Contract } from '../../scripts/contracts.js';
import { createRandom, type Random } from '../support/random.js';
import { publishedContract } from '../support/vault-chain.js';
import { createWorld, errorName, evmChainId, type Ending } from './evm.js';
import { TokenModel } from './token-model.js';
import { actorsWith } from './vault-actors.js';
import type { Step, TokenKind, VaultCall } from './vault-calls.js';
import { encodeCall } from './vault-encoding.js';
import { VaultModel } from './vault-model.js';
import { Refusal } from './vault-words.js';
import { differences, type Pictured } from './vault-snapshot.js';
import { nextStep, openingSteps } from './vault-steps.js';

/** The contracts of a sequence, by name. */
export type Contracts = Record<string, Contract>;

/** With the vault that is deployed, and not another compilation of it; where it keeps what is the same in both. */
export function withPublishedVault(contracts: Contracts): Contracts {
  return { ...contracts, RentalVault: { ...contracts['RentalVault']!, ...publishedContract('RentalVault') } };
}

/** How often each call ended in which way: `execute ok`, `execute CapExceeded`. */
export type Counts = Map<string, number>;

function count(counts: Counts, ending: string): void {
  // Without the address that the error names.
  const name = ending.replace(/ 0x\w+$/, '');
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

const abiOfVault = rentalVaultAbi as Abi;
const hour = 3_600;
const tokens: Record<TokenKind, string> = {
  plain: 'TestToken',
  fee: 'FeeToken',
  greedy: 'GreedyToken',
  refusing: 'RefusingToken',
  blacklist: 'BlacklistToken',
  reentrant: 'ReentrantToken',
  silent: 'SilentToken',
};
/** Half of all sequences have an ordinary token. */
const kinds = [...Object.keys(tokens), ...Array.from({ length: 6 }, () => 'plain')] as TokenKind[];

interface Stage extends Pictured {
  wallet: Contract;
}

/**
 * Steps chosen by the seed, each done by the contract and by the model, which have to agree: whether it is done, why not,
 * and what everybody has afterwards.
 *
 * @returns what differs, with the steps that led there; nothing where all agree
 */
export async function runSequence(
  contracts: Contracts,
  { seed, steps, counts }: { seed: number; steps: number; counts: Counts },
): Promise<string | undefined> {
  const random = createRandom(seed);
  const stage = await prepare(contracts, random);
  const { model, actors } = stage;
  const opening = openingSteps({ random, model, actors });
  const done: Step[] = [];
  for (let index = 0; index < opening.length + steps; index++) {
    const step = opening[index] ?? nextStep({ random, model, actors });
    done.push(step);
    const differing = await take(stage, step, counts);
    if (differing.length > 0)
      return [`seed ${seed}, token ${model.token.kind}`, ...done.map(said), ...differing].join('\n');
  }
  return undefined;
}

async function prepare(contracts: Contracts, random: Random): Promise<Stage> {
  const world = await createWorld();
  const startS = 1_800_000_000 + random.whole(0, 1_000_000);
  const kind = random.pick(kinds);
  const deploy = (name: string, ...args: unknown[]) => world.deploy(contracts[name]!, args, startS);
  const token = {
    at: await deploy(tokens[kind], ...(kind === 'plain' ? [random.pick([6, 18])] : [])),
    contract: contracts[tokens[kind]]!,
  };
  const actors = actorsWith(await deploy('Wallet'));
  const [batchDelayS, exitDelayS] = random.pick([[12 * hour, 7 * 24 * hour] as const, [10, 20] as const]);
  const { admin, operator, guardian, treasury } = actors;
  const roles = [admin, operator, guardian, treasury];
  const vault = (
    await deploy('RentalVault', token.at, ...roles, BigInt(batchDelayS), BigInt(exitDelayS))
  ).toLowerCase();
  const settings = {
    vault: vault as Address,
    admin,
    holders: { operator, guardian, treasury },
    batchDelayS,
    exitDelayS,
  };
  const model = new VaultModel(settings, new TokenModel(kind));
  const stage = {
    ...{ world, model, actors, token, vault: contracts['RentalVault']!, wallet: contracts['Wallet']! },
    place: { chainId: evmChainId, vault: settings.vault },
  };
  model.passTo(startS);
  for (const who of [actors.alice, actors.bob, actors.wallet]) {
    await ofToken(stage, who, 'mint', [who, 1_000n]);
    model.token.mint(who, 1_000n);
    await ofToken(stage, who, 'approve', [vault, 2n ** 255n]);
    model.token.allow(who);
  }
  return stage;
}

async function ofToken(stage: Stage, from: Address, name: string, args: readonly unknown[]): Promise<void> {
  const { world, token, model } = stage;
  const { abi } = token.contract;
  const data = encodeFunctionData({ abi, functionName: name, args });
  const { error } = await world.call({ from, to: token.at, data, abi, atS: model.nowS });
  if (error !== undefined) throw new Error(`${name}: ${error}`);
}

/** @returns what differs afterwards */
async function take(stage: Stage, step: Step, counts: Counts): Promise<string[]> {
  const { model, place, world } = stage;
  model.passTo(model.nowS + step.afterS);
  const { does, by, nested } = step;
  if (does.name === 'refuse') {
    model.token.refuse(does.who, does.isRefused);
    await ofToken(stage, by, 'refuse', [does.who, does.isRefused]);
  } else if (does.name === 'send') {
    // With nothing to send, nothing is tried.
    if (model.token.move(by, place.vault, does.amount))
      await ofToken(stage, by, 'transfer', [place.vault, does.amount]);
  } else {
    if (nested !== undefined) await plan(stage, await encodeCall(place, nested));
    const call = { from: by, to: place.vault, data: await encodeCall(place, does), abi: abiOfVault, atS: model.nowS };
    const [ending, expected] = [await world.call(call), expect(model, by, does, nested, stage.actors.wallet)];
    count(counts, `${does.name} ${expected.outer}`);
    if (nested !== undefined && expected.outer === 'ok')
      count(counts, `${nested.name} in the midst ${expected.nested}`);
    const ended = endingText(ending);
    if (ended !== expected.outer) return [`the vault says ${ended}, the model ${expected.outer}`];
    if (nested !== undefined) {
      const inner = await innerEnding(stage);
      // What was not done, or was taken back, is not to be done by a later transfer.
      await plan(stage, '0x');
      if (expected.outer === 'ok' && inner !== expected.nested)
        return [`the call in the midst ended with ${inner}, the model says ${expected.nested}`];
    }
  }
  return await differences(stage);
}

function endingText(ending: Ending): string {
  if (ending.error === undefined) return 'ok';
  return [ending.error, ...ending.args.map((each) => String(each).toLowerCase())].join(' ');
}

function expect(model: VaultModel, by: Address, call: VaultCall, nested: VaultCall | undefined, wallet: Address) {
  let inner = 'nothing';
  const midway = () => {
    if (nested !== undefined) inner = isGuarded(nested) ? 'Reentered' : refusalOf(() => model.apply(wallet, nested));
  };
  return { outer: refusalOf(() => model.apply(by, call, midway)), nested: inner };
}

/** Calls that move money: none of them may run while a token is being called. */
function isGuarded({ name }: VaultCall): boolean {
  return name !== 'requestExit' && name !== 'cancelExit';
}

function refusalOf(work: () => void): string {
  try {
    work();
    return 'ok';
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.of === undefined ? error.reason : `${error.reason} ${error.of}`;
  }
}

async function plan({ world, place, actors, wallet, model }: Stage, planned: Hex): Promise<void> {
  const { abi } = wallet;
  const data = encodeFunctionData({ abi, functionName: 'plan', args: [place.vault, planned] });
  const { error } = await world.call({ from: actors.stranger, to: actors.wallet, data, abi, atS: model.nowS });
  if (error !== undefined) throw new Error(`plan: ${error}`);
}

async function innerEnding({ world, actors, wallet, model }: Stage): Promise<string> {
  const { abi } = wallet;
  const outcome = await world.read<Hex>(actors.wallet, abi, 'outcome', [], model.nowS);
  const tried = await world.read<boolean>(actors.wallet, abi, 'tried', [], model.nowS);
  if (!tried) return 'nothing';
  if (outcome === '0x') return 'ok';
  return errorName(outcome, abiOfVault);
}

function said({ afterS, by, does, nested }: Step): string {
  const text = (value: unknown) =>
    JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));
  return `after ${afterS} s ${by}: ${text(does)}${nested === undefined ? '' : `, in the midst of it ${text(nested)}`}`;
}
