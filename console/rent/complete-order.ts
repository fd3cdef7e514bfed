import type { Order, Site } from '../../src/client/shapes.js';
import type { Place } from './form-problems.js';
import { orderOf, type OrderForm } from './order-form.js';

/** Finds the id of a key that the wallet keeps at the broker; undefined if it has none, or does not say. */
export type FindKey = () => Promise<string | undefined>;

export interface Missing {
  missing: Place;
  text: string;
}

/** All that makes an order this one and no other: which machine of a region takes it may change from minute to minute. */
export interface Meant {
  order: Order;
  region: string;
}

/** The order that a form means, with a key if it names none. */
export async function meantBy(
  form: OrderForm,
  site: Pick<Site, 'jobs'>,
  findKey: FindKey,
  runsSomething = false,
): Promise<Meant | Missing> {
  let complete = form;
  if (form.savedKeys.length + form.newKeys.length === 0) {
    const key = await findKey();
    if (key === undefined) return { missing: 'keys', text: 'Add a key: without one nobody could log in.' };
    complete = { ...form, savedKeys: [key] };
  }
  return meantNow(complete, site, runsSomething) ?? { missing: 'count', text: 'Something here is no number.' };
}

/** The same as far as it is known without asking the broker; undefined while a number is none. */
export function meantNow(form: OrderForm, site: Pick<Site, 'jobs'>, runsSomething = false): Meant | undefined {
  const order = orderOf(form, site, runsSomething);
  if (order === undefined) return undefined;
  return { order, region: order.provider_id === undefined ? form.region.trim() : '' };
}

/**
 * The order as it is sent. Orders name machines, not regions.
 *
 * @param machine the one of the region whose price is shown; undefined if nobody there takes the order.
 */
export function placedAt({ order, region }: Meant, machine: string | undefined): Order | Missing {
  if (region === '') return order;
  if (machine === undefined) return { missing: 'region', text: 'No machine in this region can take the job now.' };
  return { ...order, provider_id: machine };
}
