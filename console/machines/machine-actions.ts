import type { OwnProvider } from '../../src/client/types.generated.js';

/** What may be done with a machine; each has a sheet that says what it means before anything is done. */
export type SheetKind = 'prices' | 'sign' | 'cordon' | 'uncordon' | 'drain' | 'retire';

/** What fits its state; the rest is left out. */
export function sheetsFor({
  status,
  cordoned,
  retiring = false,
}: Pick<OwnProvider, 'status' | 'cordoned' | 'retiring'>): SheetKind[] {
  if (status === 'retired') return ['sign'];
  // Once it leaves there is no way back; only the deadline can still be changed.
  if (retiring) return ['prices', 'sign', 'retire'];
  const service: SheetKind[] = cordoned ? ['uncordon', 'drain'] : ['cordon', 'drain'];
  return ['prices', 'sign', ...service, 'retire'];
}
