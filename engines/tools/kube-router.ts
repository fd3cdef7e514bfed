import type { Log } from '../log.js';
import { findBuiltTools } from './built-tools.js';
import type { Tool } from './tool.js';

/** The version that `engines/go/kube-router/go.mod` pins: the newest that the Go modules have. */
const version = 'v2.1.0';

const group = {
  module: 'kube-router' as const,
  ldflags: `-s -w -X github.com/cloudnativelabs/kube-router/v2/pkg/version.Version=${version}`,
  takes: 'about 3 minutes on two cores',
  tools: {
    'kube-router': {
      variable: 'KUBE_ROUTER',
      version,
      package: 'github.com/cloudnativelabs/kube-router/v2/cmd/kube-router',
      accepts: (text: string) => /v2\.\d/.test(text),
    },
  },
};

/** Finds or builds the program that enforces network policies on a real node. */
export async function findKubeRouter(log: Log, env?: NodeJS.ProcessEnv): Promise<Tool> {
  return (await findBuiltTools(group, log, env))['kube-router'];
}
