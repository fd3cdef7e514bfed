import { day, measureGas } from '../contracts/vault-gas.js';
import { startVaultChain } from '../support/vault-chain.js';
import type { Measurement } from './measurement.js';

const mostGas = 10_000_000;
const mostGasAJob = 5_000;

/** What the vault costs on a chain, in gas: a count, which no load of the machine changes. */
export async function measureSettlement(log: (line: string) => void): Promise<Measurement[]> {
  const chain = await startVaultChain();
  try {
    log(`  ${day.customers} deposits, three days of ${day.jobs} jobs`);
    const gas = await measureGas(chain);
    const ofDay = (work: string, total: number): Measurement => ({
      work: `settling ${day.jobs.toLocaleString('en')} jobs of ${day.customers} customers at ${day.providers} providers, ${work}`,
      target: `≤ ${mostGas / 1e6} M gas, ≤ ${mostGasAJob.toLocaleString('en')} a job`,
      measured: `${(total / 1e6).toFixed(2)} M gas, ${Math.round(total / day.jobs).toLocaleString('en')} a job`,
      met: total <= mostGas && total / day.jobs <= mostGasAJob,
    });
    const single = (work: string, total: number): Measurement => ({
      work,
      target: '',
      measured: `${total.toLocaleString('en')} gas`,
    });
    return [
      ofDay('all of them known to the vault', gas.day),
      ofDay('all of them for the first time', gas.firstDay),
      single('the same day with a permit of each customer', gas.dayWithPermits),
      single('a first deposit, with a cap', gas.deposit),
      single('a cap raised by signature', gas.raiseCap),
      single('a withdrawal', gas.withdraw),
      single('a provider’s earnings', gas.withdrawEarnings),
    ];
  } finally {
    await chain.stop();
  }
}
