import type { Address, Hex } from 'viem';
import type { WalletKind } from '../../db/auth-sessions.js';
import { BrokerError } from '../../domain/errors.js';
import { networkOf } from '../networks.js';
import type { VerifyContractWallet } from './smart-wallet.js';
import { inTurn } from '../turns.js';
import type { Recover } from '../../wire/recover.js';

interface WalletSignature {
  wallet: Address;
  digest: Hex;
  signature: Hex;
  chainId: number;
  /** The address of the client. */
  ip: string;
}

/**
 * Verifies that a wallet signed a digest, and returns the kind of wallet. An ordinary wallet is recognized locally; the
 * chain is asked only if that fails and contract wallets are enabled.
 *
 * @throws BrokerError `signature_invalid`, `auth_backend_unavailable`
 */
export async function verifyWalletSignature(
  { recover, verifyContractWallet }: { recover: Recover; verifyContractWallet?: VerifyContractWallet | undefined },
  { wallet, digest, signature, chainId, ip }: WalletSignature,
): Promise<WalletKind> {
  return await inTurn({ network: networkOf(ip), who: wallet }, async () => {
    if ((await recover(digest, signature)) === wallet) return 'eoa';
    if (verifyContractWallet !== undefined && (await verifyContractWallet(wallet, digest, signature, chainId))) {
      return 'contract';
    }
    throw new BrokerError('signature_invalid', 'the wallet did not sign this message');
  });
}
