import type { Hex } from 'viem';
import { frozenWallet, type FrozenWallet } from './frozen-wallets.js';
import type { Queryable } from './pool.js';
import { signedCap } from './spend-permits.js';
import { drawnOf, walletInVault, type VaultId, type WalletInVault } from './vault-events.js';

/** What a wallet has in the vault, and what is on its way there. Base units. */
export interface WalletDeposits extends WalletInVault {
  /** What it allowed in all, with a permit that no settlement has carried yet. */
  capSigned: bigint;
  /** What settlements have drawn of it, in units of the token. */
  drawnUnits: bigint;
  /** What is free of it. */
  available: bigint;
  /** Seen and not final: not to be spent yet. */
  incoming: { txHash: Hex; amount: bigint; block: number }[];
  /** Set while the wallet gets no service: the vault does not pay for it, or it left owing. */
  frozen?: FrozenWallet;
  /** The last block whose events are booked; absent before the first. */
  readBlock?: number;
}

export async function walletDeposits(db: Queryable, vault: VaultId, wallet: string): Promise<WalletDeposits> {
  const { rows: incoming } = await db.query<{ tx_hash: Hex; amount: string; block_number: number }>(
    `select tx_hash, amount::text, block_number from chain_incoming
      where chain_id = $1 and vault = $2 and wallet = $3 order by block_number, log_index limit 100`,
    [vault.chainId, vault.vault, wallet],
  );
  const { rows: cursors } = await db.query<{ block: number }>(
    'select block from chain_cursor where chain_id = $1 and vault = $2',
    [vault.chainId, vault.vault],
  );
  const { rows: free } = await db.query<{ balance: string }>(
    `select balance::text from ledger_accounts where kind = 'customer' and owner = $1 and balance > 0`,
    [wallet],
  );
  const frozen = await frozenWallet(db, vault, wallet);
  return {
    ...(await walletInVault(db, vault, wallet)),
    ...(frozen === undefined ? {} : { frozen }),
    capSigned: await signedCap(db, vault, wallet),
    ...{ drawnUnits: await drawnOf(db, vault, wallet), available: BigInt(free[0]?.balance ?? 0) },
    incoming: incoming.map((row) => ({ txHash: row.tx_hash, amount: BigInt(row.amount), block: row.block_number })),
    ...(cursors[0] === undefined ? {} : { readBlock: cursors[0].block }),
  };
}
