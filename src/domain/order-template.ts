import { z } from 'zod';
import type { JobPort } from './job-ports.js';
import type { JobTemplate, TemplateProgram, UsedTemplate } from './job-templates.js';
import { nearestName } from './nearest-name.js';

/** The field `template` of an order. */
export function templateField(templates: readonly JobTemplate[]) {
  return z
    .string()
    .max(64)
    .transform((id, context): JobTemplate => {
      const found = templates.find((template) => template.id === id);
      if (found !== undefined) return found;
      const near = nearestName(
        id,
        templates.map((template) => template.id),
      );
      const meant = near === undefined ? '' : `; did you mean ${near}?`;
      const message = `is no template of this site: GET /api/v1/templates lists them${meant}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });
}

/** The fields of an order that a template fills in, as they were read. */
interface Filled extends TemplateProgram {
  gpu_count: number;
  image?: string | undefined;
  min_vram_gb?: number | undefined;
  min_cuda?: number | undefined;
  env: Record<string, string>;
  ports?: JobPort[] | undefined;
  template?: JobTemplate | undefined;
}

/**
 * An order with what its template has and it does not say itself. Its own program takes the place of the template's; its
 * variables and ports are added to the template's, and win over those of the same name or number. An empty list of ports
 * opens none.
 */
export function withTemplate<Body extends Filled>(body: Body): Body {
  const { template } = body;
  if (template === undefined) return body;
  return {
    ...body,
    ...programFrom(template, body),
    image: body.image ?? template.image,
    env: { ...template.env, ...body.env },
    ports: portsFrom(template, body.ports),
    // A job without GPUs has no driver to ask.
    min_vram_gb: body.min_vram_gb ?? (body.gpu_count === 0 ? undefined : template.minVramGb),
    min_cuda: body.min_cuda ?? (body.gpu_count === 0 ? undefined : template.minCuda),
  };
}

function programFrom({ program }: JobTemplate, own: TemplateProgram): TemplateProgram {
  const ownsProgram = own.command !== undefined || own.entrypoint !== undefined;
  const { restart, workdir, args } = own;
  if (ownsProgram) return {};
  return {
    ...program,
    ...(args === undefined ? {} : { args }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(restart === undefined ? {} : { restart }),
  };
}

function portsFrom({ ports }: JobTemplate, own: JobPort[] | undefined): JobPort[] {
  if (own === undefined) return ports;
  if (own.length === 0) return [];
  const isOwn = ({ port, name }: JobPort) => own.some((each) => each.port === port || each.name === name);
  return [...own, ...ports.filter((each) => !isOwn(each))];
}

/** What the job's row keeps of its template. A token that the customer chose himself is none of the broker's. */
export function usedTemplate({ id, page, token }: JobTemplate, env: Readonly<Record<string, string>>): UsedTemplate {
  return {
    id,
    ...(page === undefined ? {} : { page }),
    ...(token === undefined || Object.hasOwn(env, token.variable) ? {} : { token }),
  };
}
