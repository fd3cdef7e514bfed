import { containerdSettings } from './containerd.js';
import { failure, looked, warning, type Check, type Problem } from './finding.js';
import { diskOf, quoted, shown, type Disk, type Host } from './host.js';

export const kubeletFolder = '/var/lib/kubelet';

/** The disk of what customers write into their containers and of images, and the one that the kubelet measures. */
export interface Disks {
  containerd: Disk;
  kubelet: Disk;
  areApart: boolean;
}

export async function disksOf(host: Host): Promise<Disks> {
  const containerd = await diskOf(host, containerdSettings(host).root);
  const kubelet = await diskOf(host, kubeletFolder);
  return { containerd, kubelet, areApart: containerd.device !== kubelet.device };
}

/** What can be offered: a job needs the space on both disks if there are two. */
export function offeredDisk({ containerd, kubelet }: Disks): Disk {
  return containerd.availableGb <= kubelet.availableGb ? containerd : kubelet;
}

/** The shares below which a kubelet evicts pods and takes no new ones, unless its configuration says otherwise. */
const evictsBelow = { containerd: 0.15, kubelet: 0.1, inodes: 0.05 } as const;
/** An image for machine learning alone has 20 GB. */
const fewGb = 50;

export const disk: Check = {
  name: 'disk',
  async look(host) {
    const disks = await disksOf(host);
    const { containerd, kubelet, areApart } = disks;
    const problems: Problem[] = [
      ...fullness(containerd, evictsBelow.containerd),
      ...(areApart ? fullness(kubelet, evictsBelow.kubelet) : []),
    ];
    if (areApart)
      problems.push(
        warning(
          `containerd writes to ${at(containerd)}, but the kubelet measures ${at(kubelet)}: only ` +
            `${offeredDisk(disks).availableGb} GB can be offered, and a customer's limit holds on one of them only`,
          'put both folders on one file system, or offer less with --share-disk-gb',
        ),
      );
    if (containerd.availableGb < fewGb)
      problems.push(
        warning(
          `${at(containerd)} has ${containerd.availableGb} GB free: images for machine learning have 10 to 30 GB each`,
          'du -xhd2 / | sort -h | tail -20   # shows what takes the space',
        ),
      );
    return looked(`${at(containerd)}, ${containerd.availableGb} GB of it free`, ...problems);
  },
};

function fullness(of: Disk, share: number): Problem[] {
  const least = of.freeShare < share ? 'space' : of.freeInodesShare < evictsBelow.inodes ? 'inodes' : undefined;
  if (least === undefined) return [];
  const free = least === 'space' ? of.freeShare : of.freeInodesShare;
  return [
    failure(
      `${at(of)} has ${Math.floor(free * 100)} % of its ${least} free: the kubelet takes no pods below ` +
        `${(least === 'space' ? share : evictsBelow.inodes) * 100} %`,
      `df -h${least === 'space' ? '' : 'i'} ${quoted(of.path)}`,
    ),
  ];
}

function at({ path, totalGb }: Disk): string {
  return `${shown(path)} (${totalGb} GB)`;
}
