import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { arch, cpus, hostname, networkInterfaces, release, totalmem, type } from 'node:os';
import { disksOf, kubeletFolder, offeredDisk } from './doctor/disks.js';
import { diskOf, shown, thisHost, Unseen, type Disk, type Host } from './doctor/host.js';
import type { GpuReading } from './gpu-reading.js';
import { printable } from '../domain/outside.js';
import { createGpuReader, readCudaVersion } from './gpus.js';
import type { Machine, Offer } from './messages.js';
import type { OfferOptions } from './options.js';

/**
 * Reads this machine's hardware, system and address.
 *
 * @param towards a host that the machine talks to; the route to it decides which of its addresses is reported.
 */
export async function scanMachine(
  {
    publicIp,
    towards,
  }: {
    publicIp?: string;
    towards: string;
  },
  host: Host = thisHost,
): Promise<{ machine: Machine; reading: GpuReading }> {
  const reading = await createGpuReader()();
  const cudaVersion = reading.gpus.length === 0 ? '' : await readCudaVersion();
  const processors = cpus();
  const disk = await diskOfCustomers(host);
  return {
    reading,
    machine: {
      hostname: shown(hostname()),
      os: shown(osName(textOf('/etc/os-release')) ?? type()),
      kernelVersion: shown(release()),
      architecture: { x64: 'amd64', ia32: '386' }[arch()] ?? arch(),
      cpuModel: printable(processors[0]?.model.trim(), 128) ?? '',
      cpuCores: countCores(textOf('/proc/cpuinfo')) ?? processors.length,
      cpuThreads: processors.length,
      totalMemoryMb: Math.floor(totalmem() / 2 ** 20),
      gpus: reading.gpus.map((gpu) => ({ ...gpu, cudaVersion })),
      totalDiskGb: disk.totalGb,
      availableDiskGb: disk.availableGb,
      ...(publicIp === undefined ? {} : { publicIp }),
      privateIp: (await addressTowards(towards)) ?? '',
    },
  };
}

/**
 * What a machine offers unless its owner says otherwise. The system, the kubelet and the container runtime keep one
 * processor, 5 % of the memory (at least 1 GB) and 10 % of the free disk.
 */
export function offerOf(machine: Machine, options: OfferOptions): Offer {
  const ownMemoryMb = Math.max(1_024, Math.ceil(machine.totalMemoryMb / 20));
  const shared = (wanted: number | undefined, byDefault: number, most: number) =>
    Math.min(wanted ?? Math.max(byDefault, 1), most);
  return {
    cpuCores: shared(options.shareCpus, machine.cpuThreads - 1, machine.cpuThreads),
    memoryMb: shared(
      options.shareMemoryGb === undefined ? undefined : Math.floor(options.shareMemoryGb * 1_024),
      machine.totalMemoryMb - ownMemoryMb,
      machine.totalMemoryMb,
    ),
    diskGb: shared(options.shareDiskGb, Math.floor(machine.availableDiskGb * 0.9), machine.totalDiskGb),
    gpuPricePerHour: options.gpuPrice,
    gpuPricesPerHour: options.gpuPrices,
    cpuPricePerHour: options.cpuPrice,
    memoryPricePerGbHour: options.memoryPrice,
    storagePricePerGbHour: options.storagePrice,
  };
}

/** The system's `PRETTY_NAME`; undefined when it has none. */
export function osName(osRelease: string): string | undefined {
  return /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(osRelease)?.[2]?.slice(0, 128);
}

/** Counts physical cores; undefined when the kernel does not list them, as on ARM. */
export function countCores(cpuinfo: string): number | undefined {
  const cores = new Set<string>();
  for (const block of cpuinfo.split('\n\n')) {
    const socket = /^physical id\s*:\s*(\d+)$/m.exec(block)?.[1];
    const core = /^core id\s*:\s*(\d+)$/m.exec(block)?.[1];
    if (socket !== undefined && core !== undefined) cores.add(`${socket}/${core}`);
  }
  return cores.size === 0 ? undefined : cores.size;
}

/**
 * The disk that limits customers. What their containers write is on that of containerd, and the kubelet measures its
 * own: where these are two, the one with less room counts.
 */
export async function diskOfCustomers(host: Host): Promise<Disk> {
  try {
    return offeredDisk(await disksOf(host));
  } catch (error) {
    if (!(error instanceof Unseen)) throw error;
    return await diskOf(host, kubeletFolder);
  }
}

/**
 * The address from which this machine reaches a host. The kernel knows it without sending a packet. A machine with
 * containers has many addresses; this is the one at which others reach it.
 */
async function addressTowards(host: string): Promise<string | undefined> {
  const socket = createSocket('udp4');
  try {
    const address = await new Promise<string>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(9, host, () => resolve(socket.address().address));
    });
    if (!address.startsWith('127.')) return address;
  } catch {
    // No route, or no IPv4: any address is better than none.
  } finally {
    socket.close();
  }
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
