import type { AdminProvider } from '../../src/client/types.generated.js';
import { navigate } from '../app/router.js';
import { canAct } from '../live/index.js';
import { Menu, plain, type MenuItem } from '../parts/index.js';
import { viewTo } from './parts.js';
import { ordersFor, type OrderKind } from './provider-actions.js';
import type { Order } from './provider-orders.js';
import { webAddress } from './stuck-words.js';

const labels: Readonly<Record<OrderKind, string>> = {
  approve: 'Approve…',
  cordon: 'Take no new jobs…',
  uncordon: 'Take jobs again…',
  drain: 'Drain…',
  retire: 'Take out of the fleet…',
  forgive: 'Give jobs again after failures…',
  block: 'Block…',
};
const takesAway: ReadonlySet<OrderKind> = new Set(['retire', 'block']);

export function ProviderMenu({ provider, onOrder }: { provider: AdminProvider; onOrder(order: Order): void }) {
  const url = webAddress(provider.workflow_url);
  const orders: MenuItem[] = ordersFor(provider).map((kind) => ({
    key: kind,
    label: labels[kind],
    danger: takesAway.has(kind),
    disabled: !canAct.value,
    act: () => onOrder({ kind, provider }),
  }));
  const looks: MenuItem[] = [
    { key: 'jobs', label: 'Its jobs', act: () => navigate(viewTo('jobs', { provider: provider.provider_id })) },
    { key: 'audit', label: 'Who changed it', act: () => navigate(viewTo('audit', { target: provider.provider_id })) },
    ...(url === undefined
      ? []
      : [{ key: 'temporal', label: 'Temporal ↗', act: () => void window.open(url, '_blank', 'noopener,noreferrer') }]),
  ];
  return (
    <Menu
      size="s"
      label="Actions"
      name={`Actions for ${plain(provider.provider_id, 60)}`}
      items={[...looks, ...orders]}
    />
  );
}
