import { BrokerError } from '../domain/errors.js';

const sixtyFiveBytes = /^0x[0-9a-fA-F]{130}$/;
/** Half the order of secp256k1. */
const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const recoveryValues = new Set([0, 1, 27, 28]);

/** Why a signature does not have the one accepted form; `undefined` when it does. */
export function signatureFormProblem(signature: string): string | undefined {
  if (!sixtyFiveBytes.test(signature)) return 'a signature is 0x and 130 hex digits: r, s and v';
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  // Every signature has a twin with n - s that is valid for the same message; libraries accept both.
  if (s > halfOrder) return 's must be in the lower half of its range';
  if (!recoveryValues.has(Number.parseInt(signature.slice(130), 16))) return 'v must be 0, 1, 27 or 28';
  return undefined;
}

/** @throws BrokerError `signature_invalid` for any other form. */
export function requireSignatureForm(signature: string): void {
  const problem = signatureFormProblem(signature);
  if (problem !== undefined) throw new BrokerError('signature_invalid', problem);
}
