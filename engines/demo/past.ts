import pg from 'pg';
import { gpuTypeKey } from '../../src/domain/gpu.js';
import type { machines } from './machines.js';

type DemoMachine = (typeof machines)[number];

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** As the broker's sampler takes them. */
const sampleMs = 5 * minuteMs;
/** How far back, and how close together: a chart of 90 days shows no minutes. */
const stretches = [
  { fromMs: 90 * dayMs, untilMs: 7 * dayMs, everyMs: 6 * 60 * minuteMs },
  { fromMs: 7 * dayMs, untilMs: dayMs, everyMs: 60 * minuteMs },
  { fromMs: dayMs, untilMs: 0, everyMs: sampleMs },
];
const reliableDays = 30;
const usageDays = 7;

/**
 * Makes up a past for the charts of a demo, whose real one begins now. The broker itself never does this: its samples are
 * what there was. Nothing that is there already is changed.
 *
 * @returns how many samples it wrote; 0 if the demo had its past.
 */
export async function makeUpPast(postgres: string, fleet: readonly DemoMachine[], now = Date.now()): Promise<number> {
  const client = new pg.Client(postgres);
  await client.connect();
  try {
    let written = 0;
    for (const [gpuType, owned] of byType(fleet)) written += await writeMarket(client, gpuType, owned, now);
    for (const machine of fleet) await writeMachine(client, machine, now);
    return written;
  } finally {
    await client.end();
  }
}

function byType(fleet: readonly DemoMachine[]): Map<string, DemoMachine[]> {
  const types = new Map<string, DemoMachine[]>();
  for (const machine of fleet) {
    const type = gpuTypeKey(machine.gpus.model);
    types.set(type, [...(types.get(type) ?? []), machine]);
  }
  return types;
}

async function writeMarket(client: pg.Client, gpuType: string, owned: DemoMachine[], now: number): Promise<number> {
  const total = owned.reduce((sum, { gpus }) => sum + gpus.count, 0);
  const prices = owned.map(({ gpuPricePerHour }) => gpuPricePerHour).sort((a, b) => a - b);
  const { slope, swing, periodMs } = rhythmOf(gpuType);
  const rows = times(now).map((at) => {
    // Most prices came down over the quarter; the evenings are busy.
    const trend =
      1 + slope * ((now - at) / (90 * dayMs)) + swing * wave(at, periodMs) + 0.015 * wave(at, periodMs / 4.3);
    const busy = 0.45 + 0.3 * wave(at - 14 * 60 * minuteMs, dayMs) + 0.2 * wave(at, 5.7 * dayMs) * wave(at, dayMs / 7);
    return {
      at: new Date(at),
      free: Math.min(total, Math.max(0, Math.round(total * (1 - busy)))),
      price_min: rounded(prices[0]! * trend * 0.97),
      price_median: rounded(prices[Math.floor((prices.length - 1) / 2)]! * trend),
      price_max: rounded(prices.at(-1)! * trend * 1.06),
    };
  });
  const { rowCount } = await client.query(
    `insert into market_samples (gpu_type, at, total, free, price_min, price_median, price_max)
     select $1, r.at, $2, r.free, r.price_min, r.price_median, r.price_max
       from jsonb_to_recordset($3) as r (at timestamptz, free int, price_min numeric, price_median numeric, price_max numeric)
      where not exists (select from market_samples where gpu_type = $1 and at < now() - interval '1 day')
     on conflict do nothing`,
    [gpuType, total, JSON.stringify(rows)],
  );
  return rowCount ?? 0;
}

/** How reliable a machine was, and how busy. */
async function writeMachine(client: pg.Client, { providerId, gpus }: DemoMachine, now: number): Promise<void> {
  const days = Array.from({ length: reliableDays }, (_, index) => ({
    day: new Date(now - (index + 1) * dayMs).toISOString().slice(0, 10),
    online_s: index === providerId.length % 7 ? 84_900 : 86_400,
    jobs: 2 + ((index * 7 + providerId.length) % 9),
  }));
  await client.query(
    `insert into provider_days (provider_id, day, observed_s, online_s, jobs)
     select p.provider_id, r.day, 86400, r.online_s, r.jobs
       from providers p, jsonb_to_recordset($2) as r (day date, online_s int, jobs int)
      where p.provider_id = $1
     on conflict do nothing`,
    [providerId, JSON.stringify(days)],
  );
  const usage = Array.from({ length: (usageDays * dayMs) / sampleMs }, (_, index) => {
    const at = Math.floor(now / sampleMs) * sampleMs - (index + 1) * sampleMs;
    const level = Math.max(0, 0.5 + 0.4 * wave(at - gpus.count * 60 * minuteMs, dayMs) + 0.1 * wave(at, dayMs / 11));
    return {
      at: new Date(at),
      gpu: Math.round(95 * level),
      cpu: Math.round(10 + 40 * level),
      memory: Math.round(20 + 50 * level),
      rented: Math.round(gpus.count * level),
    };
  });
  await client.query(
    `insert into provider_samples (provider_id, at, gpu, cpu, memory, rented_gpus)
     select p.provider_id, r.at, r.gpu, r.cpu, r.memory, r.rented
       from providers p,
            jsonb_to_recordset($2) as r (at timestamptz, gpu real, cpu real, memory real, rented int)
      where p.provider_id = $1
     on conflict do nothing`,
    [providerId, JSON.stringify(usage)],
  );
}

/** The times of samples, oldest first, each at the beginning of its interval. */
function times(now: number): number[] {
  return stretches.flatMap(({ fromMs, untilMs, everyMs }) =>
    Array.from(
      { length: (fromMs - untilMs) / everyMs },
      (_, index) => Math.floor((now - fromMs + index * everyMs) / sampleMs) * sampleMs,
    ),
  );
}

/** How the price of a type moved: no two lines of the market are the same. */
function rhythmOf(gpuType: string): { slope: number; swing: number; periodMs: number } {
  const seed = [...gpuType].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 997, 7);
  return {
    slope: 0.08 + (seed % 7) / 25,
    swing: 0.03 + (seed % 5) / 80,
    periodMs: (4 + (seed % 11)) * dayMs,
  };
}

/** Between -1 and 1. */
const wave = (at: number, periodMs: number) => Math.sin((2 * Math.PI * at) / periodMs);
const rounded = (price: number) => Math.round(price * 1000) / 1000;
