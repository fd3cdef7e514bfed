import { formatAmount } from '../../src/client/money.js';

/** Base units as the broker writes them. */
export const isUnits = (value: unknown): value is string => typeof value === 'string' && /^\d{1,39}$/.test(value);

/** The page that deposits, with what an order lacks filled in. */
export function depositPath(
  { required, missing }: { required?: unknown; missing?: unknown },
  decimals: number,
): string {
  const query = new URLSearchParams();
  if (isUnits(missing)) query.set('amount', formatAmount(missing, { decimals }));
  if (isUnits(required)) query.set('need', required);
  const text = query.toString();
  return `/deposits${text === '' ? '' : `?${text}`}`;
}
