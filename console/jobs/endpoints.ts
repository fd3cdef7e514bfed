import type { Job } from '../../src/client/shapes.js';
import { loginCommandOf, type SshTarget } from '../../src/words/ssh-target.js';

/** Where a port of a job is reached, of checked parts only. */
export interface ShownEndpoint {
  port: number;
  name: string;
  protocol: string;
  /** `203.0.113.7:30123` */
  address: string;
  /** What a browser opens; it may hold the token of the job. */
  url?: string;
  /** The same as it may stand on a screen, which others may see. */
  shownUrl?: string;
  hasSecret: boolean;
  /** Whoever is in between can read and change what is sent. */
  isPlain: boolean;
}

/** The endpoints of a job that runs. What the broker says of one is left out where its parts do not fit each other. */
export function endpointsOf({ endpoints = [] }: Pick<Job, 'endpoints'>): ShownEndpoint[] {
  return endpoints.flatMap<ShownEndpoint>(({ name, port, protocol, host, host_port: hostPort, url }) => {
    if (!isPort(port) || !isPort(hostPort) || !isHost(host)) return [];
    const address = `${inUrl(host)}:${hostPort}`;
    const common = { port, name, protocol, address, isPlain: protocol === 'http' };
    const link = url === undefined ? undefined : linkTo(url, { protocol, host: inUrl(host), hostPort });
    if (link === undefined) return [{ ...common, hasSecret: false }];
    const shownUrl = `${link.origin}${link.pathname}`;
    return [{ ...common, url: link.href, shownUrl, hasSecret: link.search !== '' }];
  });
}

const isPort = (port: unknown) => Number.isInteger(port) && (port as number) > 0 && (port as number) < 65_536;
/** Names and addresses; nothing that could end the host of a URL or begin an option of ssh. */
const isHost = (host: string) => /^[A-Za-z0-9][A-Za-z0-9.:-]{0,253}$/.test(host);
const inUrl = (host: string) => (host.includes(':') ? `[${host}]` : host);

/** A URL of the broker, if it leads where the endpoint is; a browser leaves the usual port of a protocol out. */
function linkTo(
  url: string,
  { protocol, host, hostPort }: { protocol: string; host: string; hostPort: number },
): URL | undefined {
  if ((protocol !== 'http' && protocol !== 'https') || !URL.canParse(url)) return undefined;
  const link = new URL(url);
  const meant = new URL(`${protocol}://${host}:${hostPort}`);
  return link.origin === meant.origin && link.username === '' && link.password === '' ? link : undefined;
}

/** A page of the job as it is reached through SSH: encrypted, and from this computer alone. */
export interface Tunnel {
  command: string;
  url: string;
}

/** @param path where its page is; only for what speaks HTTP. */
export function tunnelTo(target: SshTarget, port: number, path = '/'): Tunnel {
  // Ports below 1024 are for administrators on most computers.
  const here = port < 1_024 ? port + 8_000 : port;
  const safePath = /^\/[\w.~/-]{0,200}$/.test(path) ? path : '/';
  return {
    command: `${loginCommandOf(target)} -L ${here}:localhost:${port}`,
    url: `http://localhost:${here}${safePath}`,
  };
}

/** The page of the job's template, where it is not among the endpoints: it is reached through SSH only. */
export function hiddenPage({ template_page: page, endpoints = [] }: Pick<Job, 'template_page' | 'endpoints'>) {
  if (page === undefined || !isPort(page.port) || endpoints.some(({ port }) => port === page.port)) return undefined;
  return page;
}
