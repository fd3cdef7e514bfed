import { BrokerError } from '../domain/errors.js';
import { walletSignature } from '../wire/shapes.js';

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

/** Any bytes: a contract reads its own. An ordinary wallet's signature has the one form. */
export function ownerSignatureProblem(signature: string): string | undefined {
  const problem = signatureFormProblem(signature);
  if (problem === undefined || isOfContract(signature)) return undefined;
  return problem;
}

/** Whether a signature has a form that no ordinary wallet makes. */
export function isOfContract(signature: string): boolean {
  const isOrdinary = sixtyFiveBytes.test(signature) && recoveryValues.has(Number.parseInt(signature.slice(130), 16));
  return !isOrdinary && walletSignature.safeParse(signature).success;
}

/** @throws BrokerError `signature_invalid` for any other form. */
export function requireSignatureForm(signature: string): void {
  const problem = signatureFormProblem(signature);
  if (problem !== undefined) throw new BrokerError('signature_invalid', problem);
}
