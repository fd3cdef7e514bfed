import { saysTheSame } from './gpu-name.js';
import { maxPorts, portProblems, type JobPort } from './job-ports.js';
import { programProblems } from './job-program.js';
import type { JobTemplate } from './job-templates.js';
import { loginOf } from './registry-auth.js';

/** The fields of an order that may contradict each other, as they were read. */
type Body = Parameters<typeof programProblems>[0] &
  Parameters<typeof loginOf>[0] & {
    provider_id?: string | undefined;
    exclude_providers?: string[] | undefined;
    gpu_type?: string | undefined;
    gpu?: string | undefined;
    gpu_count: number;
    min_vram_gb?: number | undefined;
    min_cuda?: number | undefined;
    image?: string | undefined;
    memory_gb: number;
    shm_gb?: number | undefined;
    ssh_public_keys?: string[] | undefined;
    ssh_key_ids?: string[] | undefined;
    ports?: JobPort[] | undefined;
    template?: JobTemplate | undefined;
  };

/** What is wrong with an order whose fields are each right; each problem with its field. */
export function orderProblems(
  body: Body,
  limits: { sshKeys: number },
): { path: (string | number)[]; message: string }[] {
  return [...programProblems(body).map(({ field, message }) => at(field, message)), ...ofPorts(body), ...others(body)];

  function others({ gpu_count: gpus, gpu, gpu_type: type, template }: Body) {
    const problems = [];
    if ((body.ssh_public_keys?.length ?? 0) + (body.ssh_key_ids?.length ?? 0) > limits.sshKeys)
      problems.push(at('ssh_key_ids', `and ssh_public_keys must hold at most ${limits.sshKeys} keys together`));
    if (body.shm_gb !== undefined && body.shm_gb > body.memory_gb)
      problems.push(at('shm_gb', 'is a part of memory_gb and cannot be more'));
    if (loginOf(body).registryAuth !== undefined && body.image === undefined)
      problems.push(at('registry_auth', 'needs an image that it is for'));
    for (const field of ['gpu_type', 'gpu', 'min_vram_gb', 'min_cuda'] as const) {
      if (body[field] !== undefined && gpus === 0) problems.push(at(field, 'needs a gpu_count of at least 1'));
    }
    if (template?.minVramGb !== undefined && gpus === 0)
      problems.push(at('template', 'needs a gpu_count of at least 1'));
    if (gpu !== undefined && type !== undefined && !saysTheSame(gpu, type))
      problems.push(at('gpu', 'says another type than gpu_type'));
    if (body.provider_id !== undefined && body.exclude_providers?.includes(body.provider_id) === true)
      problems.push(at('exclude_providers', 'names the provider_id of the order'));
    return problems;
  }
}

const at = (field: string, message: string) => ({ path: [field], message });

function ofPorts({ ports = [] }: Pick<Body, 'ports'>) {
  // Those of the order alone are counted by the field; together with those of its template they may be too many.
  if (ports.length > maxPorts) return [at('ports', `and those of the template must be at most ${maxPorts} together`)];
  return portProblems(ports);
}
