import { withBenchStack } from './bench-stack.js';
import { loadHttp, type Load } from './http-load.js';
import type { Measurement } from './measurement.js';

const providers = 50;
const connections = 32;
const roundMs = 5_000;
const rounds = 3;

/**
 * How many `GET /api/v1/providers` the API answers per second.
 *
 * @param beside the URL of another server's list; for fairness, the two take turns.
 */
export async function measureReads(log: (line: string) => void, beside?: string): Promise<Measurement[]> {
  return await withBenchStack(log, async (bench) => {
    const machines = Array.from({ length: providers }, (_, index) => bench.provider({ providerId: `read-${index}` }));
    await Promise.all(machines.map(({ joined }) => joined));
    const url = `${bench.endpoints.api}/api/v1/providers?limit=${providers}`;
    const ours: Load[] = [];
    const compressed: Load[] = [];
    const theirs: Load[] = [];
    const ask = async (address: string, headers: Record<string, string> = {}) => {
      const load = await loadHttp(address, roundMs, connections, headers);
      if (load.refused > 0) throw new Error(`${address}: ${load.refused} requests were not answered with 200`);
      return load;
    };
    for (let round = 0; round < rounds; round++) {
      ours.push(await ask(url));
      compressed.push(await ask(url, { 'accept-encoding': 'br, gzip' }));
      if (beside !== undefined) theirs.push(await ask(beside));
    }
    const best = fastest(ours);
    const other = beside === undefined ? undefined : fastest(theirs);
    return [
      {
        work: `\`GET /api/v1/providers\`, ${providers} providers, ${connections} connections`,
        target: 'the Go broker’s rate in the same run',
        measured:
          other === undefined
            ? said(best)
            : `${said(best)}; the other one ${said(other)}, ratio ${(best.perSecond / other.perSecond).toFixed(2)}`,
        ...(other === undefined ? {} : { met: best.perSecond >= other.perSecond }),
      },
      {
        work: 'the same, for a client that takes compressed answers',
        target: '',
        measured: `${said(fastest(compressed))}, ratio ${(fastest(compressed).perSecond / best.perSecond).toFixed(2)}`,
      },
    ];
  });
}

function fastest(loads: Load[]): Load {
  return loads.reduce((best, load) => (load.perSecond > best.perSecond ? load : best));
}

function said({ perSecond, bytesEach }: Load): string {
  return `${perSecond.toLocaleString('en')} /s of ${(bytesEach / 1000).toFixed(bytesEach < 10_000 ? 1 : 0)} kB`;
}
