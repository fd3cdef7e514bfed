/** A GPU sold under one name, with all its memory sizes. */
export interface GpuMember {
  /** The name in lower case without separators; spellings are compared by it. */
  model: string;
  /** The name for people. */
  name: string;
  /** Members of one family can substitute for each other. */
  family: string;
  /** GB, as the manufacturer counts them; several when one name is sold with different memories. */
  memoriesGb: readonly number[];
  /** The memories by form factor, for GPUs whose form factor decides the memory. */
  byForm?: Readonly<Record<string, readonly number[]>>;
  /** The form factor when the name does not say one. */
  plainForm?: string;
}

/** `Name 8/16`: the last word lists the memories in GB. */
const families: Readonly<Record<string, string>> = {
  'GeForce GTX 10': 'GTX 1060 3/6, GTX 1070 8, GTX 1070 Ti 8, GTX 1080 8, GTX 1080 Ti 11, Titan Xp 12',
  'GeForce GTX 16': 'GTX 1650 4, GTX 1650 Super 4, GTX 1660 6, GTX 1660 Super 6, GTX 1660 Ti 6',
  'GeForce RTX 20':
    'RTX 2060 6/12, RTX 2060 Super 8, RTX 2070 8, RTX 2070 Super 8, RTX 2080 8, RTX 2080 Super 8, RTX 2080 Ti 11, Titan RTX 24',
  'GeForce RTX 30':
    'RTX 3050 6/8, RTX 3060 8/12, RTX 3060 Ti 8, RTX 3070 8, RTX 3070 Ti 8, RTX 3080 10/12, RTX 3080 Ti 12, RTX 3090 24, RTX 3090 Ti 24',
  'GeForce RTX 40':
    'RTX 4060 8, RTX 4060 Ti 8/16, RTX 4070 12, RTX 4070 Super 12, RTX 4070 Ti 12, RTX 4070 Ti Super 16, RTX 4080 16, RTX 4080 Super 16, RTX 4090 24, RTX 4090 D 24',
  'GeForce RTX 50':
    'RTX 5050 8, RTX 5060 8, RTX 5060 Ti 8/16, RTX 5070 12, RTX 5070 Ti 16, RTX 5080 16, RTX 5090 32, RTX 5090 D 32',
  'Quadro RTX': 'RTX 3000 6, RTX 4000 8, RTX 5000 16, RTX 6000 24, RTX 8000 48',
  'Quadro Pascal': 'P2000 5, P2200 5, P4000 8, P5000 16, P6000 24, GV100 32',
  'RTX A':
    'RTX A400 4, RTX A1000 8, RTX A2000 6/12, RTX A3000 6/12, RTX A4000 16, RTX A4500 20, RTX A5000 24, RTX A5500 24, RTX A6000 48',
  'RTX Ada':
    'RTX 2000 Ada 16, RTX 4000 Ada 20, RTX 4000 SFF Ada 20, RTX 4500 Ada 24, RTX 5000 Ada 32, RTX 5880 Ada 48, RTX 6000 Ada 48',
  'RTX PRO': 'RTX PRO 2000 16, RTX PRO 4000 24, RTX PRO 4500 32, RTX PRO 5000 48/72, RTX PRO 6000 96',
  'Tesla Kepler': 'K40 12, K80 12',
  'Tesla Maxwell': 'M40 12/24, M60 8',
  'Tesla Pascal': 'P4 8, P40 24, P100 12/16',
  'Tesla Volta': 'V100 16/32, V100S 32, Titan V 12',
  'Tesla Turing': 'T4 16, T4G 16',
  'NVIDIA Ampere': 'A2 16, A10 24, A10G 24, A10M 20, A16 16, A30 24, A40 48, A100 40/80, A100X 80, A800 40/80',
  'NVIDIA Ada': 'L2 24, L4 24, L20 48, L40 48, L40S 48, L40G 24',
  'NVIDIA Hopper': 'H20 96/141, H100 80/94, H200 141, H800 80, GH200 96/144',
  'NVIDIA Blackwell': 'B100 180, B200 180, B300 288, GB200 186, GB300 288',
  'AMD Instinct':
    'MI25 16, MI50 16/32, MI60 32, MI100 32, MI210 64, MI250 128, MI250X 128, MI300A 128, MI300X 192, MI308X 192, MI325X 256, MI350X 288, MI355X 288',
  'Radeon RX':
    'RX 6800 16, RX 6800 XT 16, RX 6900 XT 16, RX 6950 XT 16, RX 7600 8, RX 7600 XT 16, RX 7700 XT 12, RX 7800 XT 16, RX 7900 GRE 16, RX 7900 XT 20, RX 7900 XTX 24, RX 9070 16, RX 9070 XT 16',
  'Radeon Pro': 'Pro W6800 32, Pro W7800 32/48, Pro W7900 48, Pro V520 8, Pro V620 32',
  'Intel Arc': 'Arc A310 4, Arc A380 6, Arc A580 8, Arc A750 8, Arc A770 8/16, Arc B570 10, Arc B580 12',
  'Intel Gaudi': 'Gaudi 2 96, Gaudi 3 128',
};

/** GPUs with several form factors, or with one other than a PCIe card. */
const built: Readonly<Record<string, Pick<GpuMember, 'byForm' | 'plainForm'>>> = {
  P100: { plainForm: '' },
  V100: { plainForm: '', byForm: { sxm3: [32] } },
  A100: { plainForm: '' },
  A800: { plainForm: '' },
  H100: { plainForm: '', byForm: { pcie: [80], sxm: [80], sxm5: [80], nvl: [94] } },
  H800: { plainForm: '' },
  H20: { plainForm: 'sxm' },
  H200: { plainForm: 'sxm' },
  B100: { plainForm: 'sxm' },
  B200: { plainForm: 'sxm' },
  B300: { plainForm: 'sxm' },
};

/** Reduces a name to what all its spellings share: lower case, letters and digits only. */
export function compact(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '');
}

export const gpuMembers: readonly GpuMember[] = Object.entries(families).flatMap(([family, members]) =>
  members.split(', ').map((entry) => {
    const at = entry.lastIndexOf(' ');
    const name = entry.slice(0, at);
    const memoriesGb = entry
      .slice(at + 1)
      .split('/')
      .map(Number);
    return { model: compact(name), name, family, memoriesGb, plainForm: 'pcie', ...built[name] };
  }),
);

/** Members by model and by every common spelling; the first member with a spelling wins. */
export const membersBySpelling: ReadonlyMap<string, GpuMember> = bySpelling();

function bySpelling(): Map<string, GpuMember> {
  const found = new Map(gpuMembers.map((member) => [member.model, member]));
  for (const member of gpuMembers) {
    for (const spelling of spellingsOf(member.name)) {
      if (!found.has(spelling)) found.set(spelling, member);
    }
  }
  return found;
}

/** `4090` for RTX 4090, `4080S` for RTX 4080 Super, `Ada 6000` for RTX 6000 Ada. */
function spellingsOf(name: string): string[] {
  const bare = name.replace(/^(?:RTX|GTX|RX|Arc|Pro) /, '');
  const short = [name, bare].map((each) => each.replace(/ Super$/, 'S'));
  const turned = [name, bare].map((each) => each.replace(/(\d+(?: SFF)?) Ada$/, 'Ada $1'));
  return [bare, ...short, ...turned].map(compact);
}
