import { expect } from '@jest/globals';
import { testUnless } from '../support/needs.js';
import { missingAnvil, startVaultChain } from '../support/vault-chain.js';
import { day, measureGas } from './vault-gas.js';

testUnless(missingAnvil())(
  'a day of 2,000 jobs costs below 10 million gas, and below 5,000 a job',
  async () => {
    const chain = await startVaultChain();
    try {
      const gas = await measureGas(chain);
      for (const total of [gas.day, gas.firstDay]) {
        expect(total).toBeLessThan(10_000_000);
        expect(total / day.jobs).toBeLessThan(5_000);
      }
      expect(gas.deposit).toBeLessThan(100_000);
      expect(gas.raiseCap).toBeLessThan(50_000);
      expect(gas.withdraw).toBeLessThan(110_000);
      expect(gas.withdrawEarnings).toBeLessThan(100_000);
    } finally {
      await chain.stop();
    }
  },
  300_000,
);
