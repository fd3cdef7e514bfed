import type { Order, Site } from '../../src/client/shapes.js';
import type { Place } from './form-problems.js';
import { orderOf, quoteOrderOf, type OrderForm } from './order-form.js';

/** What the page can find by itself for an order. */
export interface Finding {
  /** The id of a key that the wallet keeps at the broker; undefined if it has none, or does not say. */
  savedKey(): Promise<string | undefined>;
  /** The machine of a region that an order is placed at; undefined if nobody there takes it. */
  machineIn(region: string, order: Order): Promise<string | undefined>;
}

export type Completed = { order: Order } | { missing: Place; text: string };

/**
 * Makes orders of forms. Orders name machines, not regions: the machine that was found for a region is the same for the
 * same form, so that an order that is sent again is the same order, with the same key.
 */
export function createCompletion({ savedKey, machineIn }: Finding) {
  let found: { asked: string; machine: string } | undefined;

  async function machineFor(form: OrderForm): Promise<string | undefined> {
    const order = quoteOrderOf(form);
    const region = form.region.trim();
    const asked = JSON.stringify([order, region]);
    if (order === undefined) return undefined;
    if (found?.asked !== asked) {
      const machine = await machineIn(region, order);
      found = machine === undefined ? undefined : { asked, machine };
    }
    return found?.machine;
  }

  return async (form: OrderForm, site: Pick<Site, 'jobs'>): Promise<Completed> => {
    let complete = form;
    if (form.savedKeys.length + form.newKeys.length === 0) {
      const key = await savedKey();
      if (key === undefined) return { missing: 'keys', text: 'Add a key: without one nobody could log in.' };
      complete = { ...form, savedKeys: [key] };
    }
    const isInRegion = form.region.trim() !== '' && form.provider.trim() === '';
    const machine = isInRegion ? await machineFor(form) : undefined;
    if (isInRegion && machine === undefined) {
      return { missing: 'region', text: 'Nobody there can take this now.' };
    }
    const order = orderOf(complete, site, machine);
    return order === undefined ? { missing: 'count', text: 'Something here is no number.' } : { order };
  };
}
