import type { Log } from '../log.js';
import { findBuiltTools } from './built-tools.js';
import type { Tool } from './tool.js';

/** The version that `engines/go/registry/go.mod` pins. */
const version = 'v3.1.2';

const group = {
  module: 'registry' as const,
  ldflags: `-s -w -X github.com/distribution/distribution/v3/version.version=${version}`,
  takes: 'about a minute on two cores',
  tools: {
    registry: {
      variable: 'REGISTRY',
      version,
      package: 'github.com/distribution/distribution/v3/cmd/registry',
      accepts: (text: string) => /v?3\.1\.\d/.test(text),
    },
  },
};

/** Finds or builds the CNCF's registry of images. */
export async function findRegistry(log: Log, env?: NodeJS.ProcessEnv): Promise<Tool> {
  return (await findBuiltTools(group, log, env)).registry;
}
