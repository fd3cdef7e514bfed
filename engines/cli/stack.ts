import { roles as allRoles, type Role } from '../../src/config.js';
import { demoImages } from '../demo/images.js';
import { seconds } from '../log.js';
import { engineNames, startStack, type EngineName, type Stack } from '../stack.js';
import { argumentsOf } from './arguments.js';

/** The chain as well, which a broker does not need. */
const allEngines: readonly EngineName[] = [...engineNames, 'anvil'];

const usage = `Usage: npm run stack -- [options]

Starts Postgres, Redis, Temporal, a Kubernetes control plane and the broker's roles on this machine and keeps them running.
DIR/endpoints.json has all addresses, DIR/logs the output of each process.

  --data DIR          where the stack keeps its data, also for the next start (default .data/stack)
  --engines-only      do not start the broker's roles
  --engines a,b       start only these engines, of ${allEngines.join(', ')}; anvil, an empty chain, only so
  --chain             a chain as well, with a vault on it in which the broker settles
  --registry          a registry as well, in which the broker looks up the images that the demo has
  --roles a,b         start only these roles, of ${allRoles.join(', ')} (a role named twice runs twice)
  --node-grace S      seconds until a silent node counts as unreachable (default: Kubernetes' own 50)
  --help              show this text
`;

const began = Date.now();
const say = (line: string) => console.log(`${seconds(Date.now() - began).padStart(7)}  ${line}`);

try {
  await main();
} catch (error) {
  console.error(`✗ ${(error as Error).message}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const { values } = argumentsOf(usage, {
    options: {
      data: { type: 'string', default: '.data/stack' },
      'engines-only': { type: 'boolean', default: false },
      engines: { type: 'string' },
      chain: { type: 'boolean', default: false },
      registry: { type: 'boolean', default: false },
      roles: { type: 'string' },
      'node-grace': { type: 'string' },
    },
  });
  const engines = values.engines === undefined ? engineNames : chosen<EngineName>(values.engines, allEngines);
  const roles = values['engines-only'] ? [] : chosen<Role>(values.roles, allRoles);

  let stack = undefined as Stack | undefined;
  let stopping = 0;
  const stop = async (signal: NodeJS.Signals) => {
    // npm forwards the Ctrl-C that the terminal has already sent to this process: count both as one.
    if (stopping > 0 && Date.now() - stopping < 1_000) return;
    if (stopping > 0 || stack === undefined) {
      stack?.killAll();
      // The watchdog ends the processes started so far.
      process.exit(130);
    }
    stopping = Date.now();
    say(`${signal}: stopping; repeat it to kill everything at once`);
    await stack.stop();
    say('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(signal));

  const grace = values['node-grace'];
  const kubernetes = grace === undefined ? {} : { nodeMonitorGraceS: Number(grace) };
  const chain = values.chain ? { chain: {} } : {};
  const registry = values.registry ? { images: demoImages } : {};
  stack = await startStack({
    dataDir: values.data,
    engines,
    processes: roles,
    log: say,
    kubernetes,
    ...chain,
    ...registry,
  });
  const { pids, metrics, ...addresses } = stack.endpoints();
  say(`ready: ${Object.keys(pids).length} processes are running`);
  for (const [name, address] of Object.entries(addresses))
    console.log(`         ${name.padEnd(20)} ${withoutPassword(address)}`);
  console.log(`         ${'endpoints'.padEnd(20)} ${values.data}/endpoints.json`);
  // Keep the process alive until a signal.
  setInterval(() => undefined, 2 ** 30);
}

function chosen<Name extends string>(text: string | undefined, known: readonly Name[]): readonly Name[] {
  if (text === undefined) return known;
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.find((name) => !known.includes(name as Name));
  if (unknown !== undefined) throw new Error(`${unknown} is not one of ${known.join(', ')}`);
  return names as Name[];
}

function withoutPassword(address: string): string {
  return address.replace(/:[^:@/]+@/, ':***@');
}
