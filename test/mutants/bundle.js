/** Bundles the workflow code as the mutant of the environment has it: `node test/mutants/bundle.js FILE`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { code } = await bundleWorkflowCode({
  workflowsPath: here('../../workflows/index.ts'),
  workflowInterceptorModules: [here('../../workflows/interceptors.ts')],
  logger: new DefaultLogger('WARN'),
  webpackConfigHook: (config) => ({
    ...config,
    module: {
      ...config.module,
      rules: [...config.module.rules, { test: /\.ts$/, enforce: 'pre', use: here('bundle-loader.js') }],
    },
  }),
});
writeFileSync(process.argv[2], code);
