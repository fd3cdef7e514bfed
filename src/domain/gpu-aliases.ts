import { meansGpu, readGpuName } from './gpu-name.js';
import { compact } from './gpu-catalog.js';

/** Words of a maker's series, which people leave out. */
const series = /^(?:rtx|gtx|rx|tesla|quadro|arc|pro) (?=\S*\d)/i;

/**
 * Shorter words for a type that mean it and no other of the types given: `4090` for RTX 4090, `a100` for an
 * A100-SXM4-80GB where no other A100 is. The shortest comes first.
 */
export function aliasesOf(gpuType: string, all: readonly string[]): string[] {
  const name = readGpuName(gpuType);
  if (name.member === undefined || name.slice !== undefined) return [];
  const words = [name.member.name.replace(series, ''), name.member.name].map(compact);
  const others = all.filter((other) => other !== gpuType).map(readGpuName);
  return [...new Set(words)].filter((word) => {
    const asked = readGpuName(word);
    return word !== gpuType && meansGpu(asked, name) && !others.some((other) => meansGpu(asked, other));
  });
}
