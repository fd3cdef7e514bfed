import type { Fault } from './fault.js';
import { faultsOfTheApi } from './of-the-api.js';
import { faultsOfTheChain } from './of-the-chain.js';
import { faultsOfTheLedger } from './of-the-ledger.js';
import { faultsOfTheWork } from './of-the-work.js';

/** Every fault that can be planted in a broker to test whether chaos finds it. */
export const faults: Readonly<Record<string, Fault>> = {
  ...faultsOfTheApi,
  ...faultsOfTheLedger,
  ...faultsOfTheWork,
  ...faultsOfTheChain,
};
