import type { Site } from '../../src/client/shapes.js';
import type { JobPort } from '../../src/client/types.generated.js';
import { withPoint } from '../parts/typed-number.js';

export const protocols = ['http', 'https', 'tcp', 'udp'] as const;

/** A port as it is typed. */
export interface FormPort {
  /** Tells rows apart; says nothing. */
  id: number;
  port: string;
  name: string;
  protocol: JobPort['protocol'];
}

/** Of the job's SSH server. */
const reserved = [22, 2222];
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The ports of an order; rows that nobody filled in are left out. */
export function portsOf(ports: readonly FormPort[]): { port: number; name?: string; protocol: JobPort['protocol'] }[] {
  return ports.filter(isUsed).map(({ port, name, protocol }) => ({
    ...{ port: Number(port), protocol },
    ...(name.trim() === '' ? {} : { name: name.trim() }),
  }));
}

const isUsed = ({ port, name }: FormPort) => port.trim() !== '' || name.trim() !== '';

/** What is wrong with ports, by the id of their row. */
export function portProblems(ports: readonly FormPort[]): Map<number, string> {
  const problems = new Map<number, string>();
  const seen = new Set<string>();
  const names = new Set<string>();
  for (const { id, port: typed, name: called } of ports.filter(isUsed)) {
    const [port, name] = [typed.trim(), called.trim()];
    if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) problems.set(id, 'A port is a number from 1 to 65535.');
    else if (reserved.includes(Number(port))) problems.set(id, `${port} is for SSH.`);
    else if (seen.has(port)) problems.set(id, `${port} is there twice.`);
    else if (name !== '' && !label.test(name))
      problems.set(id, 'A name has small letters, digits and hyphens, and begins and ends with none.');
    else if (name === 'ssh') problems.set(id, 'ssh is the name of the login.');
    else if (name !== '' && names.has(name)) problems.set(id, `${name} is there twice.`);
    seen.add(port);
    names.add(name);
  }
  return problems;
}

/** The ports that are opened in all: those of a template that the order does not name itself stay. */
export function openedPorts(own: readonly FormPort[], ofTemplate: readonly JobPort[]): number {
  const used = own.filter(isUsed);
  const isOwn = ({ port, name }: JobPort) =>
    used.some((each) => each.port.trim() === String(port) || each.name.trim() === name);
  return used.length + ofTemplate.filter((each) => !isOwn(each)).length;
}

/** What ports cost, in words: `2 are free, each further one costs 0.002 an hour`. */
export function portPriceText({ free, price_per_hour: price }: Site['jobs']['ports'], symbol: string): string {
  if (!(Number(withPoint(price)) > 0)) return 'They cost nothing.';
  const first = free === 0 ? 'Each' : `${free === 1 ? 'One is' : `${free} are`} free, each further one`;
  return `${first} costs ${price} ${symbol} an hour.`;
}
