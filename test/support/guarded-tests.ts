import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Address } from 'viem';
import { startAnvil, type Anvil } from './anvil.js';
import { createGuardedSite, type GuardedSite } from './guarded-site.js';

/** What a guardian remembers of its decisions. */
interface Decided {
  now: { decisions: { reasons: string[] }[] };
}

export const reasonsOf = (memory: Decided) => memory.now.decisions.flatMap(({ reasons }) => reasons).join('\n');

/** Gives each test of a file a guarded site of its own, on one chain. */
export function useGuardedSite() {
  let anvil: Anvil;
  let guarded: GuardedSite;
  beforeAll(async () => {
    anvil = await startAnvil();
  });
  afterAll(() => anvil.stop());
  beforeEach(async () => {
    guarded = await createGuardedSite(anvil);
  });
  afterEach(() => guarded.close());

  return {
    get anvil() {
      return anvil;
    },
    get guarded() {
      return guarded;
    },
    get site() {
      return guarded.site;
    },
    customer: () => guarded.site.customer.address.toLowerCase() as Address,
    payee: () => guarded.site.provider.address.toLowerCase() as Address,

    /** A customer with 10 tokens who rented for 3.333 tokens, with a receipt. */
    async rented(): Promise<void> {
      await guarded.site.deposit(guarded.site.customer, 10);
      await guarded.site.rent(guarded.site.customer, 3_333);
      await guarded.sign();
    },

    /** Has a process of the guardian look so often. */
    async looks(times = 3, { unsureMs = 0 } = {}) {
      const opened = await guarded.guard({ unsureMs });
      for (let look = 0; look < times; look++) await opened.guard.look();
      await opened.broker.end();
      return opened;
    },

    /** Until just before what is not explained is vetoed. */
    async untilLate(): Promise<void> {
      await anvil.client.increaseTime({ seconds: 3_100 });
      await guarded.site.mine();
    },
  };
}
