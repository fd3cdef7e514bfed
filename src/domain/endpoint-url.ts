import type { PortProtocol } from './job-ports.js';
import type { UsedTemplate } from './job-templates.js';

/** A host before a port: an address of IPv6 stands in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/**
 * The URL of an endpoint: with the path of the template's page, and with its token where the program takes it there.
 *
 * @returns undefined for what no browser opens.
 */
export function endpointUrl(
  { port, protocol, host, hostPort }: { port: number; protocol: PortProtocol; host: string; hostPort: number },
  { page, token: kind }: Partial<UsedTemplate> = {},
  token?: string,
): string | undefined {
  if (protocol !== 'http' && protocol !== 'https') return undefined;
  const at = `${protocol}://${hostInUrl(host)}:${hostPort}`;
  if (page?.port !== port) return `${at}/`;
  const query = token === undefined || kind?.query === undefined ? '' : `?${kind.query}=${encodeURIComponent(token)}`;
  return `${at}${page.path}${query}`;
}
