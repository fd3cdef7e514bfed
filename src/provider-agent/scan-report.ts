import { examine } from './doctor/examine.js';
import { thisHost, shown } from './doctor/host.js';
import { wrapped } from './doctor/report.js';
import { isBehindRouter } from './doctor/network-checks.js';
import { situationOf } from './first-look.js';
import { capacityByType, shownCapacity, wireSpec, type Machine, type Offer } from './messages.js';
import type { Options } from './options.js';
import type { Say } from './say.js';
import { offerOf } from './scan.js';

/** What would be registered, and what is wrong with it. */
export interface Scanned {
  machine: Machine;
  offer: Offer;
  /** What has to be mended before customers can use it. */
  problems: readonly string[];
}

/** Prints what this machine would register, and what is in the way. */
export async function scan(options: Options, { print }: { print: Say }): Promise<void> {
  const situation = await situationOf(options);
  const findings = await examine(thisHost, { ...situation, broker: undefined });
  const scanned: Scanned = {
    machine: situation.machine,
    offer: offerOf(situation.machine, options),
    problems: findings.filter(({ verdict }) => verdict === 'failure').map(({ check, text }) => `${check}: ${text}`),
  };
  print(options.json ? JSON.stringify(scanJson(scanned), null, 2) : scanReport(scanned));
}

/** The same for programs, with the names of the wire. */
export function scanJson({ machine, offer, problems }: Scanned): object {
  return {
    machine: wireSpec(machine),
    capacity: shownCapacity(capacityByType(offer, machine.gpus)),
    warnings: warningsOf(machine, offer),
    problems,
  };
}

const width = 80;

/** The same for people, in lines of 80 characters. */
export function scanReport({ machine, offer, problems }: Scanned): string {
  const warnings = warningsOf(machine, offer);
  return [
    'This machine would register',
    ...machineRows(machine).flatMap(([name, text]) => lines(`  ${name.padEnd(12)}`, text)),
    '',
    `It would offer${' '.repeat(28)}tokens an hour each`,
    ...offerRows(machine, offer).flatMap(({ name, amount, price }) => offerLines(name, amount, price)),
    '',
    ...warnings.flatMap((text) => lines('! ', text)),
    ...problems.flatMap((text) => lines('✗ ', text)),
    ...(problems.length > 0 ? ['  provider-agent doctor says how to mend it'] : ['✓ nothing is in the way of a join']),
  ].join('\n');
}

function machineRows(machine: Machine): [string, string][] {
  const { hostname, os, kernelVersion, architecture, cpuModel, cpuCores, cpuThreads, publicIp, privateIp } = machine;
  const [first] = machine.gpus;
  return [
    ['name', shown(hostname)],
    ['system', `${shown(os)}, kernel ${shown(kernelVersion)}, ${architecture}`],
    ['processor', `${cpuModel === '' ? '' : `${shown(cpuModel)}, `}${cpuCores} cores, ${cpuThreads} threads`],
    ['memory', `${gb(machine.totalMemoryMb)} GB`],
    ['disk', `${machine.availableDiskGb} of ${machine.totalDiskGb} GB free`],
    [
      'address',
      publicIp ?? (privateIp === '' ? 'none' : `${privateIp}${isBehindRouter(privateIp) ? ' (private)' : ''}`),
    ],
    [
      'driver',
      first === undefined
        ? 'no usable GPU'
        : `${shown(first.driverVersion || 'unknown')}, CUDA ${shown(first.cudaVersion || 'unknown')}`,
    ],
  ];
}

interface OfferRow {
  name: string;
  amount: string;
  price: number;
}

function offerRows({ gpus, totalMemoryMb, cpuThreads, availableDiskGb }: Machine, offer: Offer): OfferRow[] {
  const names = [...new Set(gpus.map(({ name }) => name))];
  const cards = names.map((name) => {
    const ofName = gpus.filter((gpu) => gpu.name === name);
    const memory = ofName[0]!.memoryMb === 0 ? '' : ` × ${Math.round(ofName[0]!.memoryMb / 1_024)} GB`;
    return { name: shown(name), amount: `${ofName.length}${memory}`, price: priceOf(name, offer) };
  });
  return [
    ...cards,
    { name: 'processors', amount: `${offer.cpuCores} of ${cpuThreads}`, price: offer.cpuPricePerHour },
    { name: 'memory (GB)', amount: `${gb(offer.memoryMb)} of ${gb(totalMemoryMb)}`, price: offer.memoryPricePerGbHour },
    { name: 'disk (GB)', amount: `${offer.diskGb} of ${availableDiskGb}`, price: offer.storagePricePerGbHour },
  ];
}

/** A name that is too long for its column takes a line of its own. */
function offerLines(name: string, amount: string, price: number): string[] {
  const columns = 28;
  const figures = `${amount.padStart(16)}  ${String(price).padStart(16)}`;
  return name.length > columns
    ? [...wrapped(name, width - 2).map((line) => `  ${line}`), `  ${' '.repeat(columns)}${figures}`]
    : [`  ${name.padEnd(columns)}${figures}`];
}

function warningsOf({ gpus }: Machine, offer: Offer): string[] {
  const unpriced = [...new Set(gpus.map(({ name }) => name))].filter((name) => priceOf(name, offer) === 0);
  const { cpuPricePerHour, memoryPricePerGbHour, storagePricePerGbHour } = offer;
  const paysNothing = cpuPricePerHour === 0 && memoryPricePerGbHour === 0 && storagePricePerGbHour === 0;
  if (gpus.length === 0)
    return paysNothing
      ? ['price 0: you would earn nothing. --cpu-price, --memory-price and --storage-price set one']
      : [];
  return unpriced.map(
    (name) =>
      `${shown(name)}, price 0: you would earn nothing, unless the broker's operator has set a price. --gpu-price sets one`,
  );
}

function priceOf(name: string, offer: Offer): number {
  return offer.gpuPricesPerHour[name] ?? offer.gpuPricePerHour;
}

function gb(mb: number): string {
  return (mb / 1_024).toFixed(1);
}

function lines(before: string, text: string): string[] {
  const [first = '', ...rest] = wrapped(text, width - before.length);
  return [before + first, ...rest.map((line) => ' '.repeat(before.length) + line)];
}
