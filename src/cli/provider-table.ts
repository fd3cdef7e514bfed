import type { Provider } from '../client/shapes.js';
import { momentText } from '../words/durations.js';
import { gpuText } from '../words/gpu-text.js';
import { priceText } from '../words/money.js';
import { reliabilityText } from '../words/reliability.js';
import { providerState, type StateText } from '../words/states.js';
import type { Column } from './terminal/table.js';

type Time = { nowMs: number; isUtc: boolean };

/** The members that are shown; owners see more of their own machines than everybody does. */
interface Shown {
  cordoned?: boolean;
  drained?: boolean;
  state_reason?: string;
  not_offered_reason?: string;
  node_name?: string;
  last_heartbeat?: string;
  delegation_expires_at?: string;
  agent_version?: string;
  running_jobs?: number;
  drain_until?: string;
  retiring?: boolean;
  wallet_addr?: string;
  usage?: { gpu?: (number | null)[]; cpu?: number; memory?: number };
  reliability?: { online_30d?: number | null; lost_jobs_30d?: number };
  capacity?: {
    total_gpus?: Record<string, number>;
    available_gpus?: Record<string, number>;
    gpu_prices_per_hour?: Record<string, number>;
  };
}

export function shownOf(provider: Provider): Provider & Shown {
  return provider;
}

export function stateOf(provider: Provider): StateText {
  const { cordoned = false, drained = false } = shownOf(provider);
  return providerState(provider.status, { cordoned, drained });
}

export function reasonOf(provider: Provider): string {
  const { state_reason: state, not_offered_reason: offered } = shownOf(provider);
  return state ?? offered ?? '';
}

const sum = (counts: Record<string, number> = {}) => Object.values(counts).reduce((total, each) => total + each, 0);

export function gpusOf(provider: Provider): string {
  const { total_gpus: total = {}, available_gpus: free = {} } = shownOf(provider).capacity ?? {};
  const types = Object.keys(total).map((type) => gpuText(undefined, type));
  return `${sum(free)}/${sum(total)} ${types.join(', ')}`.trim();
}

function pricesOf(provider: Provider): string {
  const prices = Object.values(shownOf(provider).capacity?.gpu_prices_per_hour ?? {});
  return prices.length === 0 ? '–' : priceText(Math.min(...prices));
}

export function providerColumns(symbol: string, time: Time): Column<Provider>[] {
  const style = (provider: Provider) => stateOf(provider).style;
  const since = (at: string | undefined) => (at === undefined ? '–' : momentText(at, time));
  return [
    { title: '', of: (provider) => stateOf(provider).glyph, style },
    { title: 'PROVIDER', of: (provider) => provider.provider_id, isText: true },
    { title: 'STATE', of: (provider) => stateOf(provider).word, style },
    { title: 'FREE', of: gpusOf, isText: true },
    { title: `${symbol}/H`, of: pricesOf, align: 'right', keep: 6 },
    { title: 'JOBS', of: (provider) => String(shownOf(provider).running_jobs ?? '–'), align: 'right', keep: 5 },
    {
      title: 'RELIABLE',
      of: (provider) => reliabilityText(shownOf(provider).reliability?.online_30d),
      align: 'right',
      keep: 4,
    },
    { title: 'HEARD', of: (provider) => since(shownOf(provider).last_heartbeat), keep: 3 },
    { title: 'KEY ENDS', of: (provider) => since(shownOf(provider).delegation_expires_at), keep: 2 },
    { title: 'WHY', of: reasonOf, isText: true, keep: 1 },
  ];
}
