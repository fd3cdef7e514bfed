import { meansGpu, readGpuName } from './gpu-name.js';
import { compact } from './gpu-catalog.js';

/** Words of a maker's series, which people leave out. */
const series = /^(?:rtx|gtx|rx|tesla|quadro|arc|pro) (?=\S*\d)/i;

/**
 * Shorter words for each of some types that mean it and no other of them: `4090` for RTX 4090, `a100` for an
 * A100-SXM4-80GB where no other A100 is. The shortest comes first.
 */
export function aliasesOf(gpuTypes: readonly string[]): Map<string, string[]> {
  const names = gpuTypes.map((type) => ({ type, name: readGpuName(type) }));
  return new Map(
    names.map(({ type, name }) => {
      if (name.member === undefined || name.slice !== undefined) return [type, []];
      const words = [name.member.name.replace(series, ''), name.member.name].map(compact);
      const own = [...new Set(words)].filter((word) => {
        const asked = readGpuName(word);
        const meant = names.filter((each) => meansGpu(asked, each.name));
        return word !== type && meant.length === 1 && meant[0]!.type === type;
      });
      return [type, own];
    }),
  );
}
