import type { Job } from '../client/shapes.js';
import { hostInUrl } from '../domain/endpoint-url.js';
import { clean } from '../words/clean.js';
import { sshTargetOf } from '../words/ssh-target.js';

export type Endpoint = NonNullable<Job['endpoints']>[number];

/** Where an endpoint is reached. */
export function addressOf({ host, host_port: port }: Endpoint): string {
  return `${hostInUrl(clean(host))}:${port}`;
}

/** What an endpoint is opened by. */
export function openedBy(endpoint: Endpoint): string {
  return endpoint.url === undefined ? addressOf(endpoint) : clean(endpoint.url);
}

/** Ports that SSH can forward: those that are open, and the page of the template. */
export function forwardable({ endpoints = [], template_page: page }: Job): number[] {
  const ports = endpoints.filter(({ protocol }) => protocol !== 'udp').map(({ port }) => port);
  return [...new Set([...ports, ...(page === undefined ? [] : [page.port])])];
}

/**
 * A line to paste, after which the ports are here, and encrypted on the way.
 *
 * @returns undefined for a job that does not run, or has nothing to forward.
 */
export function forwardLine(job: Job): string | undefined {
  const [target, ports] = [sshTargetOf(job), forwardable(job)];
  if (target === undefined || ports.length === 0) return undefined;
  const forwards = ports.map((port) => `-L ${port}:localhost:${port}`).join(' ');
  return `ssh -N ${forwards} -p ${target.port} ${target.user}@${target.host}`;
}

/** Where the page of the template is once its port is forwarded. */
export function forwardedPage(job: Job): string | undefined {
  const { template_page: page, endpoints = [] } = job;
  if (page === undefined) return undefined;
  const endpoint = endpoints.find(({ port }) => port === page.port);
  const [, query = ''] = /(\?.*)$/.exec(endpoint?.url ?? '') ?? [];
  return clean(`${endpoint?.protocol === 'https' ? 'https' : 'http'}://localhost:${page.port}${page.path}${query}`);
}

/** The token of the job's program, where it is not in its URL. */
export function tokenLine({ template_token: token, template_token_used_as: used }: Job): string | undefined {
  if (token === undefined || used === 'query') return undefined;
  return used === 'bearer' ? `Authorization: Bearer ${clean(token)}` : `password ${clean(token)}`;
}

/** What `show` and `up` say of a running job's ports. */
export function endpointLines(job: Job): string[] {
  if (job.status !== 'running') return [];
  const lines = (job.endpoints ?? []).map((endpoint) => `  ${clean(endpoint.name)} ${openedBy(endpoint)}`);
  const token = tokenLine(job);
  return token === undefined ? lines : [...lines, `  ${token}`];
}
