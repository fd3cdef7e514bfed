import type { JobUse } from '../../src/client/shapes.js';

/** One line of what a job uses. */
export interface Series {
  key: string;
  name: string;
  /** For each sample of the job; null: it does not say. */
  values: (number | null)[];
  /** Up to where the line goes; absent: as high as its values. */
  max?: number;
  text(value: number): string;
}

const gib = 1024 ** 3;
const percent = (value: number) => `${Math.round(value)} %`;
const gigabytes = (value: number) => `${(value / gib).toFixed(value < 10 * gib ? 1 : 0)} GB`;

/** What is known of the last hour, line by line; of several GPUs their mean, and their memory together. */
export function seriesOf({ samples, gpus, limits }: Pick<JobUse, 'samples' | 'gpus' | 'limits'>): Series[] {
  const { cpu_cores: cores, memory_bytes: memory } = limits;
  const ofGpus = gpus.flatMap(({ memory_bytes: bytes }) => (bytes === undefined ? [] : [bytes]));
  const gpuMemory = ofGpus.length < gpus.length || ofGpus.length === 0 ? undefined : sum(ofGpus);
  const all: Series[] = [
    {
      ...{ key: 'gpu', name: gpus.length > 1 ? `${gpus.length} GPUs, mean` : 'GPU', max: 100, text: percent },
      values: samples.map((sample) => mean(sample.gpus.map(({ busy_percent: busy }) => busy))),
    },
    {
      ...{ key: 'gpu-memory', name: 'GPU memory', ...upTo(gpuMemory), text: outOf(gigabytes, gpuMemory) },
      values: samples.map((sample) => known(sample.gpus.map(({ memory_bytes: bytes }) => bytes))),
    },
    {
      ...{ key: 'cpu', name: 'Cores', ...upTo(cores), text: outOf((value) => value.toFixed(1), cores, String) },
      values: samples.map(({ cpu_cores: used }) => used ?? null),
    },
    {
      ...{ key: 'memory', name: 'Memory', ...upTo(memory), text: outOf(gigabytes, memory) },
      values: samples.map(({ memory_bytes: used }) => used ?? null),
    },
  ];
  return all.filter(({ values }) => values.some((value) => value !== null));
}

const upTo = (max: number | undefined) => (max === undefined ? {} : { max });

function outOf(text: (value: number) => string, max: number | undefined, ofMax = text): (value: number) => string {
  return (value) => (max === undefined ? text(value) : `${text(value)} of ${ofMax(max)}`);
}

function mean(values: readonly (number | undefined)[]): number | null {
  const all = values.filter((value) => value !== undefined);
  return all.length === 0 ? null : sum(all) / all.length;
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

/** The sum, where each of them is known. */
function known(values: readonly (number | undefined)[]): number | null {
  const all = values.filter((value) => value !== undefined);
  return all.length === 0 || all.length < values.length ? null : sum(all);
}

/** Fewer samples, evenly spaced, with the last one among them: a table of an hour is not read row by row. */
export function thinned<T>(samples: readonly T[], most: number): T[] {
  const each = Math.max(1, Math.ceil(samples.length / most));
  return samples.filter((_, at) => (samples.length - 1 - at) % each === 0);
}
