import { z } from 'zod';
import { gpuTypeKey } from '../domain/gpu.js';
import type { Architecture } from '../domain/gpu-needs.js';
import { cudaVersion } from '../domain/gpu-values.js';
import { saysTheSame } from '../domain/gpu-name.js';
import { architecture } from '../domain/job-request.js';
import { validationFailed } from './problem.js';
import { queryNumber, queryText } from './schemas/page.js';

/** More than any machine has, and what the database can count. */
export const maxGpusAsked = 100_000;

export const queryAmount = queryNumber(z.number().nonnegative());
const gpuName = queryText.transform(gpuTypeKey);

/** Names a GPU in a query. Clients know it by either name, each from another API. */
export const gpuQuery = {
  gpu: gpuName.optional().describe('A GPU type, in any spelling'),
  gpu_type: gpuName.optional().describe('The same as `gpu`'),
};

/** What each GPU and its machine must have. */
export const needsQuery = {
  min_vram_gb: queryAmount.optional().describe('Nominal memory of each GPU'),
  min_cuda: cudaVersion.optional().describe('The lowest CUDA version of the driver'),
  architecture: architecture.optional().describe('`amd64` or `arm64`'),
};

/** @throws BrokerError `validation_failed` if the two names say two types. */
export function gpuAsked({ gpu, gpu_type: gpuType }: { gpu?: string | undefined; gpu_type?: string | undefined }): {
  gpuType?: string;
} {
  if (gpu !== undefined && gpuType !== undefined && !saysTheSame(gpu, gpuType)) {
    throw validationFailed([{ field: 'query.gpu_type', message: 'says another type than gpu' }]);
  }
  const asked = gpu ?? gpuType;
  return asked === undefined ? {} : { gpuType: asked };
}

export function needsAsked(query: {
  min_vram_gb?: number | undefined;
  min_cuda?: number | undefined;
  architecture?: Architecture | undefined;
}) {
  return {
    ...(query.min_vram_gb === undefined ? {} : { minVramGb: query.min_vram_gb }),
    ...(query.min_cuda === undefined ? {} : { minCuda: query.min_cuda }),
    ...(query.architecture === undefined ? {} : { architecture: query.architecture }),
  };
}
