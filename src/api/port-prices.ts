import type { Config } from '../config.js';
import type { PortPrices } from '../domain/job-ports.js';
import { rateOf } from '../domain/pricing.js';

/** What ports cost at this site. */
export function portPricesOf(config: Pick<Config, 'JOB_FREE_PORTS' | 'JOB_PORT_PRICE_PER_HOUR'>): PortPrices {
  return { free: config.JOB_FREE_PORTS, rate: rateOf(config.JOB_PORT_PRICE_PER_HOUR) };
}
