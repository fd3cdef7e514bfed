import { Counter, Gauge, Registry } from 'prom-client';
import { startMetricsListener, type MetricsListener, type Readiness } from '../observability/listener.js';
import type { GuardianSettings } from './config.js';
import type { VaultView } from './vault.js';

/** What can be wrong with the guardian itself. */
export type Part = 'chain' | 'broker' | 'gas' | 'role';

/** What people and monitoring see: `/ready`, `/metrics`. */
export interface Status {
  /** @param detail undefined: nothing is wrong. */
  part(part: Part, detail: string | undefined): void;
  decided(verdict: 'approved' | 'vetoed', number: number, reasons: readonly string[]): void;
  alarm(kind: 'disagreement' | 'node_away' | 'unchecked' | 'failure'): void;
  looked(view: VaultView): void;
  balance(wei: bigint): void;
  readiness(): Readiness;
  registry: Registry;
}

/** After so long without a look, nobody is guarding. */
const staleMs = 300_000;

/** @param last what was decided last, before this process began. */
export function createStatus(last?: {
  verdict: 'approved' | 'vetoed';
  number: number;
  reasons: readonly string[];
}): Status {
  const registry = new Registry();
  const registers = [registry];
  const verdicts = new Counter({
    ...{ name: 'guardian_settlements_total', help: 'Settlements that were decided, by verdict', registers },
    labelNames: ['verdict'] as const,
  });
  const alarms = new Counter({
    ...{ name: 'guardian_alarms_total', help: 'What should not be, by kind; see docs/guardian.md', registers },
    labelNames: ['kind'] as const,
  });
  const block = new Gauge({ name: 'guardian_block', help: 'The last block that all nodes agree about', registers });
  const coins = new Gauge({ name: 'guardian_balance_coins', help: 'Coins of the guardian, for gas', registers });
  const parts = new Map<Part, string>();
  let lookedMs = Date.now();
  return {
    registry,
    part(part, detail) {
      if (detail === undefined) parts.delete(part);
      else parts.set(part, detail);
    },
    decided(verdict, number, reasons) {
      verdicts.inc({ verdict });
      last = { verdict, number, reasons };
    },
    alarm: (kind) => alarms.inc({ kind }),
    looked(view) {
      lookedMs = Date.now();
      block.set(view.block);
    },
    balance: (wei) => coins.set(Number(wei) / 1e18),
    readiness() {
      const isStale = Date.now() - lookedMs > staleMs;
      const chain = parts.get('chain') ?? (isStale ? 'the vault was not looked at for five minutes' : undefined);
      const vetoed =
        last?.verdict === 'vetoed' ? `settlement ${last.number} was vetoed: ${last.reasons.join('; ')}` : undefined;
      const shown = {
        chain,
        broker: parts.get('broker'),
        gas: parts.get('gas'),
        role: parts.get('role'),
        settlements: vetoed,
      };
      return Object.fromEntries(
        Object.entries(shown).map(([name, detail]) => [
          name,
          detail === undefined ? { ok: true } : { ok: false, detail },
        ]),
      );
    },
  };
}

export async function serveStatus(
  status: Status,
  settings: Pick<GuardianSettings, 'status'>,
): Promise<MetricsListener> {
  return await startMetricsListener(settings.status, status.registry, async () => status.readiness());
}
