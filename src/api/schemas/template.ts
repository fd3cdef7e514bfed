import { z } from 'zod';
import { cudaText } from '../../domain/why-not.js';
import { portProtocols } from '../../domain/job-ports.js';
import { programRestarts } from '../../domain/job-program.js';
import { tokenUses, type JobTemplate } from '../../domain/job-templates.js';

const template = z
  .object({
    id: z.string().describe('What an order names as its `template`'),
    name: z.string(),
    description: z.string(),
    image: z.string().describe('By a tag or a digest; what runs is the digest that its registry says at the order'),
    command: z.array(z.string()).optional(),
    args: z.array(z.string()).optional(),
    entrypoint: z.literal('image').optional(),
    workdir: z.string().optional(),
    restart: z.enum(programRestarts).optional(),
    env: z.record(z.string(), z.string()),
    ports: z.array(z.object({ port: z.int(), name: z.string(), protocol: z.enum(portProtocols) })),
    needs: z
      .object({ min_vram_gb: z.number().optional(), min_cuda: z.string().optional() })
      .describe('What is required of the machine unless the order says it itself'),
    page: z
      .object({ port: z.int(), path: z.string() })
      .optional()
      .describe('Where its page is, in the job. A port that is not in `ports` is reached by `ssh -L` only'),
    token: z
      .object({ variable: z.string(), used_as: z.enum(tokenUses), query: z.string().optional() })
      .optional()
      .describe('The program gets a token of the job in this variable, and asks for it'),
  })
  .meta({ id: 'Template' });

export const templatesReply = z.object({ templates: z.array(template) }).meta({ id: 'Templates' });

export function templatesReplyOf(templates: readonly JobTemplate[]): z.infer<typeof templatesReply> {
  return { templates: templates.map(templateReplyOf) };
}

function templateReplyOf(of: JobTemplate): z.infer<typeof template> {
  const { id, name, description, image, program, env, ports, minVramGb, minCuda, page, token } = of;
  const { command, args, entrypoint, workdir, restart } = program;
  return {
    ...{ id, name, description, image },
    ...(command === undefined ? {} : { command }),
    ...(args === undefined ? {} : { args }),
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(restart === undefined ? {} : { restart }),
    ...{ env, ports },
    needs: {
      ...(minVramGb === undefined ? {} : { min_vram_gb: minVramGb }),
      ...(minCuda === undefined ? {} : { min_cuda: cudaText(minCuda) }),
    },
    ...(page === undefined ? {} : { page }),
    ...(token === undefined
      ? {}
      : {
          token: {
            ...{ variable: token.variable, used_as: token.usedAs },
            ...(token.query === undefined ? {} : { query: token.query }),
          },
        }),
  };
}
