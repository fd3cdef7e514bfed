import { withBenchStack } from './bench-stack.js';
import { loadHttp } from './http-load.js';
import type { Measurement } from './measurement.js';

const providers = 50;
const connections = 32;
const roundMs = 5_000;
const rounds = 3;

/**
 * How many `GET /api/v1/providers` are answered per second.
 *
 * @param beside the URL of another server's list, which is asked in turns with ours, as in fairness it should be.
 */
export async function measureReads(log: (line: string) => void, beside?: string): Promise<Measurement[]> {
  return await withBenchStack(log, async (bench) => {
    const machines = Array.from({ length: providers }, (_, index) => bench.provider({ providerId: `read-${index}` }));
    await Promise.all(machines.map(({ joined }) => joined));
    const url = `${bench.endpoints.api}/api/v1/providers?limit=${providers}`;
    const ours: number[] = [];
    const theirs: number[] = [];
    let bytes = 0;
    for (let round = 0; round < rounds; round++) {
      const load = await loadHttp(url, roundMs, connections);
      if (load.refused > 0) throw new Error(`${load.refused} requests were not answered with 200`);
      ours.push(load.perSecond);
      bytes = load.bytesEach;
      if (beside !== undefined) theirs.push((await loadHttp(beside, roundMs, connections)).perSecond);
    }
    const [best, other] = [Math.max(...ours), Math.max(...theirs)];
    const compared = beside === undefined ? '' : `; the other one ${other} /s, ratio ${(best / other).toFixed(2)}`;
    return [
      {
        work: `\`GET /api/v1/providers\`, ${providers} providers, ${connections} connections`,
        target: 'the Go broker’s rate in the same run',
        measured: `${best} /s, ${Math.round(bytes / 1000)} kB each${compared}`,
        ...(beside === undefined ? {} : { met: best >= other }),
      },
    ];
  });
}
