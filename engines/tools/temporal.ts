import type { Log } from '../log.js';
import { findBuiltTools } from './built-tools.js';
import { compareVersions, type Tool } from './tool.js';

/** The version that `engines/go/temporal/go.mod` pins. */
const cliVersion = '1.5.1';
/** Update-with-start, which the broker uses, is on by default from this server version on. */
const oldestServer = '1.29.0';

const group = {
  module: 'temporal' as const,
  ldflags: `-s -w -X github.com/temporalio/cli/temporalcli.Version=${cliVersion}`,
  takes: 'about 2 minutes on two cores',
  tools: {
    temporal: {
      variable: 'TEMPORAL_CLI',
      version: `v${cliVersion}`,
      package: 'github.com/temporalio/cli/cmd/temporal',
      accepts: (text: string) => compareVersions(/Server ([\d.]+)/.exec(text)?.[1] ?? '0', oldestServer) >= 0,
    },
  },
};

/** Finds or builds the Temporal CLI, whose development server runs in the local stack. Tests use it, too. */
export async function findTemporal(log: Log, env?: NodeJS.ProcessEnv): Promise<Tool> {
  return (await findBuiltTools(group, log, env)).temporal;
}
