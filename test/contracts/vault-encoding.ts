import {
  encodeAbiParameters,
  encodeFunctionData,
  keccak256,
  numberToHex,
  size,
  slice,
  type Abi,
  type Address,
  type Hex,
} from 'viem';
import { rentalVaultAbi } from '../../src/chain/rental-vault-abi.js';
import { accountOf } from './vault-actors.js';
import type { Content, Line, Signed, SpendPermit, VaultCall } from './vault-calls.js';
import { vaultDomain, vaultTypes } from './vault-messages.js';

const abi: Abi = rentalVaultAbi;

/** Where a call goes. */
export interface Place {
  chainId: number;
  vault: Address;
}

const lineTypes = (who: string) =>
  ({
    type: 'tuple[]',
    components: [
      { name: who, type: 'address' },
      { name: 'cumulative', type: 'uint128' },
    ],
  }) as const;
const contentTypes = [{ type: 'uint256' }, { type: 'address' }, lineTypes('customer'), lineTypes('payee')] as const;

const drawsOf = (lines: readonly Line[]) => lines.map(({ who, cumulative }) => ({ customer: who, cumulative }));
const creditsOf = (lines: readonly Line[]) => lines.map(({ who, cumulative }) => ({ payee: who, cumulative }));

export function hashOf({ chainId, vault }: Place, { draws, credits }: Content): Hex {
  return keccak256(
    encodeAbiParameters(contentTypes, [BigInt(chainId), vault, drawsOf(draws), creditsOf(credits)] as never),
  );
}

/** Data of a call of the vault, its signatures made. */
export async function encodeCall(place: Place, call: VaultCall): Promise<Hex> {
  return encodeFunctionData({
    abi,
    functionName: call.name,
    args: await argumentsOf(place, call),
  });
}

export async function argumentsOf(place: Place, call: VaultCall): Promise<readonly unknown[]> {
  switch (call.name) {
    case 'deposit':
      return [call.customer, call.amount, call.newCap];
    case 'raiseCap':
      return [call.customer, call.cap, await spendSignature(place, call.signature)];
    case 'propose':
      return [BigInt(call.number), hashOf(place, call.content)];
    case 'veto':
      return [BigInt(call.number)];
    case 'execute':
      return [
        BigInt(call.number),
        drawsOf(call.content.draws),
        creditsOf(call.content.credits),
        await Promise.all(call.permits.map((permit) => encodedPermit(place, permit))),
      ];
    case 'withdraw':
      return [call.to, call.cumulative, BigInt(call.deadline), await withdrawSignature(place, call.signature)];
    case 'exit':
    case 'withdrawEarnings':
      return [call.to];
    case 'setOperator':
    case 'setGuardian':
    case 'setTreasury':
      return [call.next];
    default:
      return [];
  }
}

async function encodedPermit(place: Place, { customer, cap, signature }: SpendPermit) {
  return { customer, cap, signature: await spendSignature(place, signature) };
}

async function spendSignature(place: Place, signed: Signed): Promise<Hex> {
  return await signature(place, signed, signed.flaw === 'other kind' ? 'WithdrawPermit' : 'SpendPermit');
}

async function withdrawSignature(place: Place, signed: Signed): Promise<Hex> {
  return await signature(place, signed, signed.flaw === 'other kind' ? 'SpendPermit' : 'WithdrawPermit');
}

async function signature(place: Place, signed: Signed, kind: 'SpendPermit' | 'WithdrawPermit'): Promise<Hex> {
  const account = accountOf(signed.by);
  const chainId = signed.flaw === 'other chain' ? place.chainId + 1 : place.chainId;
  const vault = signed.flaw === 'other vault' ? signed.customer : place.vault;
  const domain = vaultDomain(chainId, vault);
  const { customer, total, deadline } = signed;
  const made =
    kind === 'SpendPermit'
      ? await account.signTypedData({
          ...{ domain, types: vaultTypes, primaryType: 'SpendPermit' },
          message: { customer, cumulativeCap: total },
        })
      : await account.signTypedData({
          ...{ domain, types: vaultTypes, primaryType: 'WithdrawPermit' },
          message: { customer, cumulativeWithdrawn: total, deadline: BigInt(deadline) },
        });
  return spoilt(made, signed.flaw);
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

function spoilt(made: Hex, flaw: Signed['flaw']): Hex {
  const [r, s, v] = [slice(made, 0, 32), BigInt(slice(made, 32, 64)), Number(slice(made, 64, 65))];
  const joined = (s: bigint, v: number): Hex =>
    `${r}${numberToHex(s, { size: 32 }).slice(2)}${numberToHex(v, { size: 1 }).slice(2)}`;
  // The other of the two signatures that recover to the same key.
  if (flaw === 'large s') return joined(order - s, v === 27 ? 28 : 27);
  if (flaw === 'other v') return joined(s, v - 27);
  if (flaw === 'too short') return slice(made, 0, size(made) - 1);
  return made;
}
