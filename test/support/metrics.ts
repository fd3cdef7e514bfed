import { startMetricsListener } from '../../src/observability/listener.js';
import { register } from '../../src/observability/metrics.js';

export interface ShownMetrics {
  /** What `/metrics` says of a series, by its name and labels as they are written there; 0 of one that it does not have. */
  of(series: string): Promise<number>;
  stop(): Promise<void>;
}

/** The metrics of this process as Prometheus reads them. */
export async function showMetrics(): Promise<ShownMetrics> {
  const listener = await startMetricsListener(
    { METRICS_HOST: '127.0.0.1', METRICS_PORT: 0 },
    register,
    async () => ({}),
  );
  const url = `http://127.0.0.1:${listener.address.port}/metrics`;
  return {
    async of(series) {
      const lines = (await (await fetch(url)).text()).split('\n');
      const line = lines.find((each) => each.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    stop: () => listener.stop(),
  };
}
