import type { OwnProvider } from '../../src/client/types.generated.js';
import { canAct } from '../live/index.js';
import { Menu, plain, type MenuItem } from '../parts/index.js';
import { sheetsFor, type SheetKind } from './machine-actions.js';

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
