import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.js';
import { packageRoot } from '../paths.js';
import { findBuiltTools, type BuiltTool } from './built-tools.js';
import { findGo } from './go-build.js';
import { run } from './run.js';
import { ToolMissing, type Tool } from './tool.js';

/** Nothing on PATH is taken: these programs stand in for images of exactly the pinned versions. */
const accepts = () => false;
const server: BuiltTool = {
  ...{ variable: 'TEMPORAL_SERVER', version: `v${serverVersion()}`, accepts },
  ...{ package: 'go.temporal.io/server/cmd/server', builtAs: 'server' },
};
const sqlTool: BuiltTool = {
  ...{ variable: 'TEMPORAL_SQL_TOOL', version: `v${serverVersion()}`, accepts },
  ...{ package: 'go.temporal.io/server/cmd/tools/sql', builtAs: 'sql' },
};
const ui: BuiltTool = {
  ...{ variable: 'TEMPORAL_UI_SERVER', version: `v${pinned('github.com/temporalio/ui-server/v2')}`, accepts },
  ...{ package: 'github.com/temporalio/ui-server/v2/cmd/server', builtAs: 'server' },
};

/** The programs of Temporal's production images, with the configuration templates that those images have. */
export interface TemporalServerTools {
  server: Tool;
  sqlTool: Tool;
  ui: Tool;
  serverConfiguration: string;
  uiConfiguration: string;
}

/** Finds or builds them. The local stack needs none of them: it runs the development server of the CLI. */
export async function findTemporalServer(log: Log, env: NodeJS.ProcessEnv = process.env): Promise<TemporalServerTools> {
  const build = { module: 'temporal' as const, ldflags: '-s -w', takes: 'about 2 minutes on two cores' };
  // Both main packages are called `server`, so they cannot come from one build.
  const tools = { 'temporal-server': server, 'temporal-sql-tool': sqlTool };
  const found = await findBuiltTools({ ...build, tools }, log, env);
  const { 'temporal-ui-server': uiServer } = await findBuiltTools(
    { ...build, tools: { 'temporal-ui-server': ui } },
    log,
    env,
  );
  const [serverSources, uiSources] = await Promise.all([
    sources('go.temporal.io/server', env),
    sources('github.com/temporalio/ui-server/v2', env),
  ]);
  return {
    ...{ server: found['temporal-server'], sqlTool: found['temporal-sql-tool'], ui: uiServer },
    serverConfiguration: readFileSync(join(serverSources, 'config/docker.yaml'), 'utf8'),
    uiConfiguration: readFileSync(join(uiSources, 'config/docker.yaml'), 'utf8'),
  };
}

function serverVersion(): string {
  return pinned('go.temporal.io/server');
}

/** The version of a module that go.mod pins, without `v`. */
function pinned(module: string): string {
  const text = readFileSync(join(packageRoot, 'engines/go/temporal/go.mod'), 'utf8');
  const version = new RegExp(`^\\s*${module} v([\\d.]+)`, 'm').exec(text)?.[1];
  if (version === undefined) throw new Error(`engines/go/temporal/go.mod does not pin ${module}`);
  return version;
}

/** The folder of a module's sources, which go.sum pins. */
async function sources(module: string, env: NodeJS.ProcessEnv): Promise<string> {
  const go = findGo(env);
  if (go === undefined) throw new ToolMissing('Go 1.26 or newer is needed: https://go.dev/dl/');
  const cwd = join(packageRoot, 'engines/go/temporal');
  const text = await run(go, ['mod', 'download', '-json', module], {
    ...{ cwd, env: { ...env, GOWORK: 'off', GOFLAGS: '' }, what: `go mod download ${module}` },
  });
  return (JSON.parse(text) as { Dir: string }).Dir;
}
