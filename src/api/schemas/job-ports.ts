import { z } from 'zod';
import type { JobRow } from '../../db/jobs.js';
import { endpointUrl } from '../../domain/endpoint-url.js';
import { portProtocols } from '../../domain/job-ports.js';
import { tokenUses } from '../../domain/job-templates.js';
import { priceOf } from '../../domain/pricing.js';

const jobPort = z.object({ port: z.int(), name: z.string(), protocol: z.enum(portProtocols) }).meta({ id: 'JobPort' });

const endpoint = z
  .object({
    name: z.string(),
    port: z.int().describe('What the program listens on'),
    protocol: z.enum(portProtocols),
    host: z.string(),
    host_port: z.int().describe('Where it is reached, at `host`'),
    url: z
      .string()
      .optional()
      .describe('Of `http` and `https`. With the token, where the program takes it in its URL: then the URL is secret'),
  })
  .meta({ id: 'Endpoint' });

/** The fields of a job that are about its ports and its template. */
export const jobPortFields = {
  ports: z.array(jobPort).optional().describe('What it opens besides SSH, as it was ordered; absent if nothing'),
  ports_price_per_hour: z.number().optional().describe('Their part of `price_per_hour`; absent if they cost nothing'),
  endpoints: z
    .array(endpoint)
    .optional()
    .describe('While it runs, where its ports are reached. `http` is not encrypted: see docs/api.md'),
  template: z.string().optional().describe('The id of the template that it was ordered with'),
  template_page: z
    .object({ port: z.int(), path: z.string() })
    .optional()
    .describe('Where the page of its program is, in the job; reached by an endpoint of this port, else by `ssh -L`'),
  template_token: z
    .string()
    .optional()
    .describe('What its program asks for. A secret of the job, for its owner with `jobs:write` while it has not ended'),
  template_token_used_as: z
    .enum(tokenUses)
    .optional()
    .describe('How the program takes it: in its URL, as `Authorization: Bearer`, or typed into its page'),
};

type PortFields = z.infer<z.ZodObject<typeof jobPortFields>>;

/** @param token what the job's program asks for; only for its owner. */
export function portFieldsOf(job: JobRow, token: string | undefined): { [Key in keyof PortFields]: PortFields[Key] } {
  const { template, portsRate } = job;
  const hasToken = token !== undefined && template?.token !== undefined;
  return {
    ports: job.ports && [...job.ports],
    ports_price_per_hour: portsRate === undefined || portsRate === '0' ? undefined : priceOf(portsRate),
    endpoints: job.status === 'running' ? endpointsOf(job, token) : undefined,
    template: template?.id,
    template_page: template?.page,
    template_token: hasToken ? token : undefined,
    template_token_used_as: hasToken ? template.token!.usedAs : undefined,
  };
}

function endpointsOf({ ports = [], ssh, template }: JobRow, token: string | undefined): PortFields['endpoints'] {
  if (ssh === undefined) return undefined;
  return ports.flatMap(({ port, name, protocol }) => {
    const nodePort = ssh.opened?.find((each) => each.port === port)?.nodePort;
    if (nodePort === undefined) return [];
    const url = endpointUrl({ port, protocol, host: ssh.host, hostPort: nodePort }, template, token);
    return [{ name, port, protocol, host: ssh.host, host_port: nodePort, ...(url === undefined ? {} : { url }) }];
  });
}
