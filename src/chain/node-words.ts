import { BaseError, decodeErrorResult, isHex, type Hex } from 'viem';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { asChainError } from './rpc.js';

/** How a node refused a transaction that it was sent. Clients of chains have no codes for it, only words. */
type SendRefusal =
  /** It has it already, waiting or mined, or one with a higher fee. */
  | 'known'
  /** Something with this nonce was mined. */
  | 'nonce too low'
  | 'too cheap'
  | 'no coin';

const words: readonly (readonly [RegExp, SendRefusal])[] = [
  [/already known|already imported|known transaction|already exists|already in/i, 'known'],
  [/nonce (is )?too low|old nonce|invalid nonce|nonce.*already used/i, 'nonce too low'],
  [/replacement.*underpriced|could not replace/i, 'known'],
  [/underpriced|less than block base fee|fee cap|gas price.*(low|below)|max fee per gas/i, 'too cheap'],
  [/insufficient (funds|balance)/i, 'no coin'],
];

/** @returns undefined for an error that says nothing of the kind. */
export function sendRefusal(error: unknown): SendRefusal | undefined {
  const said = error instanceof BaseError ? `${error.details} ${error.message}` : String(error);
  return words.find(([pattern]) => pattern.test(said))?.[1];
}

/** The vault would refuse a call, whatever it pays. */
export class CallReverted extends Error {
  override readonly name = 'CallReverted';

  /** @param errorName as in the vault's ABI, or what the node says. */
  constructor(
    readonly errorName: string,
    readonly args: readonly unknown[] = [],
  ) {
    super(`the vault refuses: ${errorName}(${args.map(String).join(', ')})`);
  }
}

/** The revert in an error of a call, or the failure of its node, or the error itself. */
export function asRevert(error: unknown): unknown {
  const data = revertData(error);
  if (data !== undefined && data !== '0x') {
    try {
      const { errorName, args } = decodeErrorResult({ abi: rentalVaultAbi, data });
      return new CallReverted(errorName, args ?? []);
    } catch {
      return new CallReverted(data.slice(0, 10));
    }
  }
  const failure = asChainError(error);
  if (failure === error && error instanceof BaseError && /revert/i.test(error.details)) {
    return new CallReverted('without a reason');
  }
  return failure;
}

function revertData(error: unknown): Hex | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { data } = each as { data?: unknown };
    if (isHex(data)) return data;
    const inner = (data as { data?: unknown } | undefined)?.data;
    if (isHex(inner)) return inner;
  }
  return undefined;
}
