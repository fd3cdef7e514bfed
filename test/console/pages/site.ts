import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { browserStartsWithinMs } from '../../support/chromium.js';
import {
  openConsole,
  type Machine,
  type OpenConsole,
  type Visitor,
  type VisitorOptions,
} from '../../support/console.js';

/** The console in front of which the tests of a file stand, with a machine, and who visits it in the test of now. */
export interface SiteOfTests {
  readonly site: OpenConsole;
  readonly machine: Machine;
  /** A person with a browser of their own, who leaves after the test. */
  visit(options?: VisitorOptions): Promise<Visitor>;
}

/** Called in the `describe` of a file: opens the console before its tests, and closes it after them. */
export function siteOfTests(options: Parameters<OpenConsole['machine']>[0] = {}): SiteOfTests {
  let site: OpenConsole | undefined;
  let machine: Machine | undefined;
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    site = await openConsole();
    machine = await site.machine(options);
  }, browserStartsWithinMs);
  afterEach(async () => {
    for (const { context } of visitors.splice(0)) await context.close();
  });
  afterAll(async () => await site?.close());
  return {
    get site() {
      return site!;
    },
    get machine() {
      return machine!;
    },
    async visit(given) {
      const visitor = await site!.visitor(given);
      visitors.push(visitor);
      return visitor;
    },
  };
}
