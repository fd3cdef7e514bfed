import { site } from '../live/broker.js';

/** Whether jobs of this broker are paid from deposits on a chain; undefined until it is known. */
export function hasChain(): boolean | undefined {
  const settlement = site.value?.token.settlement;
  return settlement === undefined ? undefined : settlement === 'chain';
}
