import type { Fault } from './fault.js';
import { faultsOfTheApi } from './of-the-api.js';
import { faultsOfTheLedger } from './of-the-ledger.js';
import { faultsOfTheWork } from './of-the-work.js';

/** Everything that can be put into a broker to see whether chaos notices. */
export const faults: Readonly<Record<string, Fault>> = { ...faultsOfTheApi, ...faultsOfTheLedger, ...faultsOfTheWork };
