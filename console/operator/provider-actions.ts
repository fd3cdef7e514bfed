import type { AdminProvider } from '../../src/client/types.generated.js';

/** What an operator may have a provider do. */
export type OrderKind = 'approve' | 'cordon' | 'uncordon' | 'drain' | 'retire' | 'forgive' | 'block';

type Ordered = Pick<AdminProvider, 'status' | 'cordoned' | 'retiring' | 'approval_needed' | 'blocked'>;

/** What fits the state of a provider. */
export function ordersFor({
  status,
  cordoned,
  retiring = false,
  approval_needed: isWaiting,
  blocked,
}: Ordered): OrderKind[] {
  const first: OrderKind[] = isWaiting ? ['approve'] : [];
  const last: OrderKind[] = blocked === undefined ? ['block'] : [];
  if (status === 'retired') return [...first, ...last];
  if (retiring) return [...first, 'retire', ...last];
  const service: OrderKind[] = cordoned ? ['uncordon', 'drain'] : ['cordon', 'drain'];
  return [...first, ...service, 'forgive', 'retire', ...last];
}
