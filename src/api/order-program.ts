import { programSpec, type ImageProgram, type ProgramSpec } from '../domain/job-program.js';
import type { JobRequest } from '../domain/job-request.js';
import { validationFailed } from './problem.js';

/** What an image would run, if its registry said so. */
type ReadImageProgram = (image: string) => Promise<ImageProgram | undefined>;

/**
 * What is to run in a job, if its order has a program.
 *
 * @param readImage absent where images are not read from their registries.
 * @throws BrokerError `validation_failed` for a program that the image does not name.
 */
export async function programOfOrder(
  { program, image }: Pick<JobRequest, 'program' | 'image'>,
  readImage?: ReadImageProgram,
): Promise<ProgramSpec | undefined> {
  if (program === undefined) return undefined;
  if (program.command !== undefined) return programSpec(program);
  const found = await readImage?.(image);
  if (found === undefined) {
    const message = 'this site has not read from its registry what the image would run: send command instead';
    throw validationFailed([{ field: 'entrypoint', message }]);
  }
  const spec = programSpec(program, found);
  if (spec !== undefined) return spec;
  throw validationFailed([{ field: 'entrypoint', message: 'the image names no program to run: send command instead' }]);
}
