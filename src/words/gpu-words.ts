/** GPUs as one types them: `4090`, `2x4090`, `h100:8`, `4090@0.5`. */
export interface GpuWords {
  count: number;
  /** Any spelling; the broker resolves it. */
  gpu: string;
  /** The most that one GPU may cost an hour, in token units. */
  maxPricePerGpu?: number;
}

/**
 * @returns undefined if the words name no GPUs.
 * @example readGpuWords('2x4090@0.5') // { count: 2, gpu: '4090', maxPricePerGpu: 0.5 }
 */
export function readGpuWords(text: string): GpuWords | undefined {
  const [, named = '', , price] = /^([^@]*)(@(.*))?$/su.exec(text.trim()) ?? [];
  const before = /^(\d{1,4})\s*[x×*]\s*(\S.*)$/iu.exec(named.trim());
  const after = /^(.*\S)\s*:\s*(\d{1,4})$/u.exec(named.trim());
  const [count, gpu] =
    before !== null
      ? [Number(before[1]), before[2]!]
      : after !== null
        ? [Number(after[2]), after[1]!]
        : [1, named.trim()];
  if (count < 1 || !/[a-z0-9]/i.test(gpu) || gpu.includes('@')) return undefined;
  if (price === undefined) return { count, gpu };
  if (!/^\d{1,9}(?:\.\d{1,9})?$/.test(price.trim())) return undefined;
  return { count, gpu, maxPricePerGpu: Number(price) };
}
