import type { OwnProvider } from '../../src/client/types.generated.js';
import { canAct } from '../live/index.js';
import { Menu, plain, type MenuItem } from '../parts/index.js';

/** What may be done with a machine; each has a sheet that says what it means before anything is done. */
export type SheetKind = 'prices' | 'sign' | 'cordon' | 'uncordon' | 'drain' | 'retire';

export interface Sheet {
  kind: SheetKind;
  machine: OwnProvider;
}

const labels: Readonly<Record<SheetKind, string>> = {
  prices: 'Change prices…',
  sign: 'Sign again…',
  cordon: 'Take no new jobs…',
  uncordon: 'Take jobs again…',
  drain: 'Drain…',
  retire: 'Take out of the fleet…',
};

/** What fits its state; the rest is left out. */
export function sheetsFor({ status, cordoned, retiring = false }: OwnProvider): SheetKind[] {
  if (status === 'retired') return ['sign'];
  // Once it leaves there is no way back; only the deadline can still be changed.
  if (retiring) return ['prices', 'sign', 'retire'];
  const service: SheetKind[] = cordoned ? ['uncordon', 'drain'] : ['cordon', 'drain'];
  return ['prices', 'sign', ...service, 'retire'];
}

interface MachineMenuProps {
  machine: OwnProvider;
  onSheet(sheet: Sheet): void;
  size?: 'm' | 's';
}

export function MachineMenu({ machine, onSheet, size = 'm' }: MachineMenuProps) {
  const items: MenuItem[] = sheetsFor(machine).map((kind) => ({
    key: kind,
    label: labels[kind],
    danger: kind === 'retire',
    act: () => onSheet({ kind, machine }),
  }));
  return (
    <Menu
      label="Actions"
      name={`Actions for ${plain(machine.provider_id, 60)}`}
      items={items}
      size={size}
      disabled={!canAct.value}
    />
  );
}
