import { decodeFunctionData, isHex, recoverTypedDataAddress, type Address, type Hex } from 'viem';
import { rentalVaultAbi } from '../../chain/rental-vault-abi.js';
import type { Withdrawal } from '../../client/shapes.js';
import { withdrawPermitTypedData } from '../../wire/vault-typed-data.js';
import { exitCodes, Failure } from '../failure.js';
import type { Permitted } from './calls.js';
import type { Vault } from './vault.js';

/** What the person asked for, and what the chain says of the wallet. */
export interface PermitAsked {
  wallet: Address;
  /** Units of the token. */
  amount: bigint;
  /** What the wallet has taken out so far, by the vault. */
  withdrawn: bigint;
  /** By the chain's clock. */
  nowS: number;
}

/** A transaction that is taken later than this before the deadline would be reverted. */
const leastS = 20;

/**
 * Holds a permit of the broker against what was asked for, part by part: how much, until when, who signed it, and the call
 * that it proposes. The call that is sent is made anew from what is left, so that nothing else of the reply goes into it.
 */
export async function checkedPermit(
  reply: Withdrawal,
  vault: Vault,
  asked: PermitAsked,
): Promise<Omit<Permitted, 'to'>> {
  const { cumulative: text, deadline: until, signature, call } = reply;
  if (call === null || until === null || !isHex(signature) || !/^\d{1,39}$/.test(text)) {
    throw wrong('it is not signed');
  }
  const cumulative = BigInt(text);
  const deadlineS = Date.parse(until) / 1_000;
  if (!Number.isSafeInteger(deadlineS)) throw wrong('it has no deadline');
  if (cumulative !== asked.withdrawn + asked.amount) {
    const differs = cumulative - asked.withdrawn;
    throw wrong(`it is for ${differs} units of the token, and ${asked.amount} were asked for`);
  }
  if (deadlineS < asked.nowS + leastS) throw wrong('its deadline is past, by the clock of the chain');
  if (call.to.toLowerCase() !== vault.address)
    throw wrong(`its call goes to ${call.to.slice(0, 60)}, not to the vault`);
  const permitted = { cumulative, deadline: BigInt(deadlineS), signature };
  requireSameCall(call.data, permitted, asked.wallet);
  await requireOperator(vault, permitted, asked.wallet);
  return permitted;
}

/** What the call says has to be what the reply says beside it. */
function requireSameCall(data: string, permitted: Omit<Permitted, 'to'>, wallet: Address): void {
  let args: readonly unknown[] | undefined;
  try {
    const decoded = decodeFunctionData({ abi: rentalVaultAbi, data: data as Hex });
    args = decoded.functionName === 'withdraw' ? decoded.args : undefined;
  } catch {
    args = undefined;
  }
  if (args === undefined) throw wrong('its call is no withdrawal');
  const [to, cumulative, deadline, signature] = args as [Address, bigint, bigint, Hex];
  const isSame =
    to.toLowerCase() === wallet &&
    cumulative === permitted.cumulative &&
    deadline === permitted.deadline &&
    signature.toLowerCase() === permitted.signature.toLowerCase();
  if (!isSame) throw wrong('its call says something else than the rest of it');
}

async function requireOperator(vault: Vault, permit: Omit<Permitted, 'to'>, wallet: Address): Promise<void> {
  const typedData = withdrawPermitTypedData(
    { chainId: vault.chainId, vault: vault.address },
    { customer: wallet, cumulativeWithdrawn: permit.cumulative, deadline: permit.deadline },
  );
  const signer = await recoverTypedDataAddress({ ...typedData, signature: permit.signature }).catch(() => undefined);
  if (signer?.toLowerCase() !== vault.operator)
    throw wrong(`it is not signed by the vault’s operator (${vault.operator})`);
}

function wrong(what: string): Failure {
  return new Failure(
    exitCodes.unreachable,
    `the broker’s permit is not what was asked for: ${what}. Nothing was sent`,
    'ask its operator; wl exit takes everything out without the broker',
  );
}
