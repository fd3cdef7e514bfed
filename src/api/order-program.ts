import { programSpec, type ProgramSpec } from '../domain/job-program.js';
import type { ImageProgram } from '../domain/resolved-image.js';
import type { JobRequest } from '../domain/job-request.js';
import { validationFailed } from './problem.js';

/**
 * What is to run in a job, if its order has a program.
 *
 * @param image what its registry says that it would run; absent where the registry was not asked, or did not answer.
 * @throws BrokerError `validation_failed` for a program that the image does not name.
 */
export function programOfOrder(
  { program }: Pick<JobRequest, 'program'>,
  image: ImageProgram | undefined,
): ProgramSpec | undefined {
  if (program === undefined) return undefined;
  if (program.command === undefined && image === undefined) {
    const message = 'the registry did not say what the image would run, or was not asked: send command instead';
    throw validationFailed([{ field: 'entrypoint', message }]);
  }
  const spec = programSpec(program, image);
  if (spec !== undefined) return spec;
  throw validationFailed([{ field: 'entrypoint', message: 'the image names no program to run: send command instead' }]);
}
