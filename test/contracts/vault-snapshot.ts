import { numberToHex, type Address } from 'viem';
import { evmChainId, type World } from './evm.js';
import { storageOf, type Storage } from './storage.js';
import { hashOf, type Place } from './vault-encoding.js';
import type { VaultModel } from './vault-model.js';
import { zeroAddress, type Account, type Role } from './vault-words.js';
import type { Actors } from './vault-actors.js';
import type { Contract } from '../../scripts/contracts.js';

/** A vault with its token and everybody's accounts, in one form for the contract and for the model. */
type Picture = Record<string, string>;

export interface Pictured {
  world: World;
  model: VaultModel;
  actors: Actors;
  place: Place;
  vault: Contract;
  token: { at: Address; contract: Contract };
}

const roles: readonly Role[] = ['operator', 'guardian', 'treasury'];
const customerFields = ['balance', 'spent', 'cap', 'exitAt', 'withdrawn'] as const;

/** Everything in which the contract and the model differ, and money that is owed and not there. */
export async function differences(pictured: Pictured): Promise<string[]> {
  const [seen, expected] = [await pictureOfContract(pictured), pictureOfModel(pictured)];
  const { model, place } = pictured;
  const [held, owed] = [model.token.balance(place.vault), model.owed()];
  return [
    ...Object.keys(expected)
      .filter((name) => seen[name] !== expected[name])
      .map((name) => `${name}: the contract has ${seen[name]}, the model ${expected[name]}`),
    ...(held < owed ? [`the vault holds ${held} and owes ${owed}`] : []),
  ];
}

async function pictureOfContract({ world, model, actors, place, vault, token }: Pictured): Promise<Picture> {
  const of = storageOf(world, place.vault, vault.layout);
  const tokens = storageOf(world, token.at, token.contract.layout);
  const picture: Picture = {};
  for (const name of ['proposed', 'lastExecuted', 'pausedUntil', 'fees'])
    picture[name] = String(await of.variable(name));
  picture['held'] = String(await tokens.entry('balanceOf', place.vault));
  for (const [index, role] of roles.entries()) picture[role] = await holderText(of, BigInt(index), model.nowS);
  for (const [name, who] of Object.entries(actors)) picture[name] = await accountText(of, tokens, who);
  for (let number = 1n; number <= model.proposed; number++) {
    const [hash, executableAt, proposer] = await Promise.all(
      ['hash', 'executableAt', 'proposer'].map((member) => of.entry('batches', number, member)),
    );
    picture[`batch ${number}`] = [numberToHex(hash!, { size: 32 }), executableAt, addressOf(proposer!)].join(' ');
  }
  return picture;
}

async function holderText(of: Storage, role: bigint, nowS: number): Promise<string> {
  const [present, next, from] = await Promise.all(
    ['present', 'next', 'from'].map((member) => of.entry('holders', role, member)),
  );
  const isDue = from !== 0n && from! <= nowS;
  return isDue || from === 0n
    ? addressOf((isDue ? next : present)!)
    : [addressOf(present!), addressOf(next!), from].join(' ');
}

async function accountText(of: Storage, tokens: Storage, who: Address): Promise<string> {
  const values = [
    ...customerFields.map((field) => of.entry('customers', who, field)),
    of.entry('payees', who, 'credited'),
    of.entry('payees', who, 'withdrawn'),
    tokens.entry('balanceOf', who),
  ];
  return (await Promise.all(values)).join(' ');
}

function pictureOfModel({ model, actors, place }: Pictured): Picture {
  const picture: Picture = {
    proposed: String(model.proposed),
    lastExecuted: String(model.lastExecuted),
    pausedUntil: String(model.pausedUntil),
    fees: String(model.fees),
    held: String(model.token.balance(place.vault)),
  };
  for (const role of roles) {
    const announced = model.announced[role];
    const texts = [model.holder(role), ...(announced === undefined ? [] : [announced.next, announced.from])];
    picture[role] = texts.join(' ');
  }
  for (const [name, who] of Object.entries(actors)) {
    picture[name] = [...accountRow(model.account(who)), model.token.balance(who)].join(' ');
  }
  for (const [number, { content, executableAt, proposer, isVetoed }] of model.batches) {
    const hash = isVetoed ? numberToHex(0, { size: 32 }) : hashOf({ ...place, chainId: evmChainId }, content);
    picture[`batch ${number}`] = [hash, executableAt, proposer].join(' ');
  }
  return picture;
}

function accountRow(account: Account): unknown[] {
  return [...customerFields.map((field) => account[field]), account.credited, account.earningsWithdrawn];
}

function addressOf(word: bigint): Address {
  return word === 0n ? zeroAddress : numberToHex(word, { size: 20 });
}
