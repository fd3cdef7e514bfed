import { startMetricsListener } from '../../src/observability/listener.js';
import { register } from '../../src/observability/metrics.js';

export interface ShownMetrics {
  /** The value of a series in `/metrics`, by its name and labels as written there; 0 if it is missing. */
  of(series: string): Promise<number>;
  stop(): Promise<void>;
}

/** The metrics of this process, as Prometheus reads them. */
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
