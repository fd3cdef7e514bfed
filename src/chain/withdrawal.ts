import { privateKeyToAccount } from 'viem/accounts';
import { giveBack } from '../billing/withdrawals.js';
import { withTransaction } from '../db/pool.js';
import { fixDeadline, findWithdrawal, keepSignature, type Withdrawal, type WithdrawalVoid } from '../db/withdrawals.js';
import { scaleOf } from '../domain/vault-units.js';
import { withdrawPermitTypedData } from '../wire/vault-typed-data.js';
import type { SettlementDeps } from './settlement.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { askChain, type Rpc } from './rpc.js';

/** How long a wallet has to send what was signed. */
const takenWithinS = 900;

/**
 * Signs a withdrawal that the vault would pay out, or gives its money back. What is signed is fixed before: whoever
 * repeats it, after a crash on any line, makes the same signature.
 *
 * @throws BrokerError `dependency_unavailable`
 */
export async function signWithdrawal(deps: SettlementDeps, id: string): Promise<void> {
  const { pool, facts, settings } = deps;
  const { operatorKey } = settings;
  if (operatorKey === undefined) throw new TypeError('only a process with the operator’s key signs anything');
  const asked = await findWithdrawal(pool, id);
  if (asked?.status !== 'asked') return;
  const account = privateKeyToAccount(operatorKey);
  const said = await Promise.all(deps.rpcs.map((rpc) => askChain(() => vaultSays(rpc, deps, asked))));
  const why = said.map((each) => refusalOf(each, asked, deps, account.address)).find((each) => each !== undefined);
  const scaled = { chainId: facts.chainId, vault: facts.vault, scale: scaleOf(facts.decimals) };
  if (why !== undefined) {
    // Once the deadline is fixed, another process may have signed it: then only its time can end it.
    if (asked.deadlineS === undefined) await withTransaction(pool, (tx) => giveBack(tx, scaled, id, why));
    return;
  }
  const fixed = await fixDeadline(pool, id, deadlineOf(said.map(({ timeS }) => timeS)));
  if (fixed?.deadlineS === undefined) return;
  const permit = {
    customer: fixed.wallet,
    cumulativeWithdrawn: fixed.cumulative,
    deadline: BigInt(fixed.deadlineS),
  };
  await keepSignature(pool, id, await account.signTypedData(withdrawPermitTypedData(facts, permit)));
}

interface Said {
  timeS: number;
  operator: string;
  balance: bigint;
  withdrawn: bigint;
  exitAt: bigint;
}

async function vaultSays({ client }: Rpc, { facts }: SettlementDeps, { wallet }: Withdrawal): Promise<Said> {
  const blockNumber = await client.getBlockNumber();
  const at = { address: facts.vault, abi: rentalVaultAbi, blockNumber } as const;
  const [{ timestamp }, operator, [balance, , , exitAt, withdrawn]] = await Promise.all([
    client.getBlock({ blockNumber }),
    client.readContract({ ...at, functionName: 'operator' }),
    client.readContract({ ...at, functionName: 'customers', args: [wallet] }),
  ]);
  return { timeS: Number(timestamp), operator, balance, withdrawn, exitAt };
}

function refusalOf(
  { operator, balance, withdrawn, exitAt }: Said,
  { amount, cumulative }: Withdrawal,
  { facts }: SettlementDeps,
  own: string,
): WithdrawalVoid | undefined {
  if (operator.toLowerCase() !== own.toLowerCase()) return 'operator_changed';
  const units = amount / scaleOf(facts.decimals);
  const isAsBooked = exitAt === 0n && withdrawn + units === cumulative && balance >= units;
  return isAsBooked ? undefined : 'vault_differs';
}

/**
 * The vault compares with the time of its chain. A chain without traffic makes no blocks, and the next one has the present
 * time. Of several nodes the one that is furthest behind counts, so that none of them can hold the money for long.
 */
function deadlineOf(timesS: readonly number[]): number {
  return Math.max(Math.min(...timesS), Math.floor(Date.now() / 1_000)) + takenWithinS;
}
