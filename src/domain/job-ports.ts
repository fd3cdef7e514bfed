import { z } from 'zod';
import { optionalText } from './request-values.js';

/** How the program behind a port speaks. `udp` is carried by UDP, all others by TCP. */
export const portProtocols = ['http', 'https', 'tcp', 'udp'] as const;
export type PortProtocol = (typeof portProtocols)[number];

/** A port of a job that is reached from outside. */
export interface JobPort {
  port: number;
  /** A DNS label, once in a job. */
  name: string;
  protocol: PortProtocol;
}

/** Where a port of a running job is reached, on its machine's address. */
export interface OpenedPort {
  port: number;
  nodePort: number;
}

/** What a job's SSH server is reached by; nothing else of a job may have it. */
export const sshPortName = 'ssh';

/** The most that one job has; the SSH server's own does not count. */
export const maxPorts = 10;

/** Of the job's Service and of the SSH server in its container. */
const reservedPorts: readonly number[] = [22, 2222];

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const portNumber = z
  .int('must be a whole number from 1 to 65535')
  .min(1, 'must be from 1 to 65535')
  .max(65_535, 'must be from 1 to 65535')
  .refine((port) => !reservedPorts.includes(port), `is reserved for SSH, as ${reservedPorts.join(' and ')} are`);

const portName = z
  .string()
  .regex(label, 'must be a DNS label: lower-case letters, digits and hyphens, 63 at most')
  .refine((name) => name !== sshPortName, 'is reserved for SSH');

/** A port as it is written in an order. */
const jobPort = z
  .strictObject({
    port: portNumber.describe('What the program listens on, on all addresses of its container; not 22 or 2222'),
    name: optionalText(portName).describe('Of its endpoint, a DNS label; `port-8888` unless given'),
    protocol: z
      .enum(portProtocols, { error: `must be ${portProtocols.join(', ')}` })
      .default('http')
      .describe('How the program speaks; `http` and `https` get a URL'),
  })
  .transform(({ port, name, protocol }): JobPort => ({ port, name: name ?? `port-${port}`, protocol }));

/** The field `ports` of an order, and of a template. */
export const portsField = z
  .array(jobPort, { error: 'must be a list such as [{"port": 8888}]' })
  .max(maxPorts, `must hold at most ${maxPorts} ports`);

/** What is there twice; each problem with the place in the list. */
export function portProblems(ports: readonly JobPort[]): { path: (string | number)[]; message: string }[] {
  return ports.flatMap(({ port, name }, at) => {
    const before = ports.slice(0, at);
    if (before.some((other) => other.port === port)) {
      return [{ path: ['ports', at, 'port'], message: `${port} is in the list twice: a port has one protocol` }];
    }
    if (before.some((other) => other.name === name)) {
      return [{ path: ['ports', at, 'name'], message: `${name} is in the list twice` }];
    }
    return [];
  });
}

/** What the ports of an order cost; the first few are free. */
export interface PortPrices {
  free: number;
  /** Base units an hour for each of the others. */
  rate: bigint;
}

/** Base units an hour. It is the same wherever the order is placed, and fixed with the order. */
export function portsRate(count: number, { free, rate }: PortPrices): bigint {
  return BigInt(Math.max(0, count - free)) * rate;
}

/** The transport that carries a protocol, as Kubernetes writes it. */
export function transportOf(protocol: PortProtocol): 'TCP' | 'UDP' {
  return protocol === 'udp' ? 'UDP' : 'TCP';
}
