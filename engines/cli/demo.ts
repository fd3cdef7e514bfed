import { setTimeout as sleep } from 'node:timers/promises';
import { roles } from '../../src/config.js';
import { gpuTypeKey } from '../../src/domain/gpu.js';
import { closing } from '../demo/closing.js';
import { createCustomer, type Availability, type Customer } from '../demo/customer.js';
import { howToLook } from '../demo/how-to-look.js';
import { demoImages } from '../demo/images.js';
import { demoWallet, machineKeys, ownerWallet } from '../demo/keys.js';
import { makeLively } from '../demo/lively.js';
import { machines, madeUpUsage } from '../demo/machines.js';
import { onChain, type OnChain } from '../demo/on-chain.js';
import { makeUpPast } from '../demo/past.js';
import { readGreeting } from '../demo/ssh-login.js';
import { orderStuckJob, patientStart } from '../demo/stuck.js';
import { writeWalletExtension } from '../demo/wallet-extension.js';
import { demoWlAccount, writeDemoWl } from '../demo/wl.js';
import type { Endpoints } from '../engine.js';
import { seconds } from '../log.js';
import { startSimulatedProvider, type SimulatedProvider } from '../simulated-provider/provider.js';
import { startStack, type Stack } from '../stack.js';
import { argumentsOf } from './arguments.js';
import { createSteps } from './steps.js';

const usage = `Usage: npm run demo -- [options]

Starts the whole stack on this machine, joins simulated providers, rents GPUs
as a customer, and keeps running.

  --chain      jobs are paid on a chain of its own: the customer deposits, the
               job is settled in the vault while a guardian looks, the provider
               withdraws
  --data DIR   where the stack keeps its data (default .data/demo; with --chain
               .data/demo-chain)
  --lively     prices move, others rent and leave, one machine goes and comes
  --stuck      one job whose image never comes, for an operator to find
  --once       exit after the last step, with code 1 if a step failed
  --help       show this text
`;

const steps = createSteps();
const { step, say } = steps;
let stack: Stack | undefined;
let providers: SimulatedProvider[] = [];
let wl: string | undefined;
let extension: string | undefined;
const over = new AbortController();

const { values } = argumentsOf(usage, {
  options: {
    chain: { type: 'boolean', default: false },
    data: { type: 'string' },
    lively: { type: 'boolean', default: false },
    stuck: { type: 'boolean', default: false },
    once: { type: 'boolean', default: false },
  },
});
const flags = { ...values, data: values.data ?? (values.chain ? '.data/demo-chain' : '.data/demo') };
const chainId = flags.chain ? 31_337 : 1;
/** The machine whose owner one can be: on a chain the one that earns. */
const owned = flags.chain ? 'demo-dorado' : machines[0]!.providerId;
// On a chain something dear, so that its price is seen after some seconds.
const wanted = {
  ...(flags.chain ? { gpu_type: 'H100', gpu_count: 4 } : { gpu_type: 'RTX 4090', gpu_count: 2 }),
  duration_hours: 1,
};
const operator = demoWallet(flags.data, 'operator');
const renter = demoWallet(flags.data, 'customer').account;
const lively = ['ada', 'grace', 'linus'];
let leaving = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // npm forwards the Ctrl-C that the terminal has already sent to this process.
    if (leaving > 0 && Date.now() - leaving < 1_000) return;
    if (leaving > 0) process.exit(130);
    leaving = Date.now();
    void leave(130);
  });
}

let failed = false;
console.log('\n  WorldLand broker: the demo\n');
try {
  await demo();
} catch {
  // The step has already printed the error.
  failed = true;
}
if (flags.once || stack === undefined) await leave(failed ? 1 : 0);
else {
  const endpoints = stack.endpoints();
  const { api, chain: node } = endpoints;
  const folder = flags.data === '.data/demo-chain' ? '' : ` --data ${flags.data}`;
  const faucet = node === undefined ? undefined : `npm run faucet -- 0x…${folder}`;
  const wallets = [demoWallet(flags.data, 'customer'), ownerWallet(flags.data, owned), operator];
  const around = { wallets, owned, chainId, node, isStuck: flags.stuck };
  const look = extension === undefined ? [] : howToLook(api!, { ...around, extension });
  console.log(`\n  ${failed ? 'Some steps failed. ' : ''}Running until Ctrl-C:\n`);
  for (const line of closing({ endpoints, dataDir: flags.data, look, wl, faucet })) console.log(line);
  console.log();
}

async function demo(): Promise<void> {
  const began = Date.now();
  const engines = flags.chain ? 'the engines, a chain, a vault, a guardian' : 'Postgres, Redis, Temporal, Kubernetes';
  stack = await step(`starting ${engines} and the broker`, (note) =>
    startStack({
      dataDir: flags.data,
      processes: roles,
      images: demoImages,
      ...(flags.chain ? { chain: { chainId, batchDelayS: 20, isGuarded: true } } : {}),
      env: {
        ADMIN_WALLETS: operator.account.address,
        // Everybody here comes from one address: the demo's own customers, and who looks at it.
        RATE_LIMIT_LOGINS: '100',
        // Its wallets log in at every start.
        AUTH_MAX_SESSIONS: '1000',
        ...(flags.chain ? { FEE_BPS: '500' } : {}),
        // Its machines answer at loopback addresses.
        SSH_PROBE: 'true',
        ...(flags.stuck ? patientStart : {}),
        ...process.env,
      },
      // Building a tool takes minutes, so those lines are shown at once.
      log: (line) => (line.startsWith('✓') ? note(line.slice(2)) : say(line)),
    }),
  );
  const { api, redis, postgres } = stack.endpoints();
  if (api === undefined || redis === undefined || postgres === undefined) throw new Error('the stack has no API');
  say(`the console: ${api}/console/`);
  if (flags.chain) say('the guardian, a program of its own, looks at each settlement');
  const audience = process.env['AUTH_AUDIENCE'] ?? api;

  await step(`${machines.length} providers join the cluster`, async (note) => {
    providers = machines.map((machine) => {
      const signAs = { audience, chainId, keys: machineKeys(flags.data, machine.providerId) };
      return startSimulatedProvider({
        redisUrl: redis,
        signAs,
        usage: madeUpUsage(machine.gpus.count),
        answers: true,
        ...machine,
      });
    });
    note('each signs with its own key, authorized by its owner’s wallet');
    for (const { joined } of providers) {
      const { providerId, nodeName, repliedAfterMs, joinedAfterMs } = await joined;
      note(
        `${providerId}: join command after ${seconds(repliedAfterMs)}, node ${nodeName} Ready ${seconds(joinedAfterMs)} later`,
      );
    }
  });

  await step('the charts get a past, which the demo makes up', async (note) => {
    const samples = await makeUpPast(postgres, machines);
    note(
      `${samples === 0 ? 'it has one already' : `${samples} samples of 90 days`}; what comes from now on is measured`,
    );
  });

  const customer = await step('a customer logs in with a wallet', async (note) => {
    const created = await createCustomer(api, flags.chain ? renter : undefined);
    note(`wallet ${created.wallet}; from now on a session key signs`);
    return created;
  });
  const chain = chainOf(stack.endpoints());
  const money = await chain?.arrive(renter, customer);
  const before = await step('their GPUs are offered', (note) => offered(customer, note));

  const job = await step(`the customer rents ${wanted.gpu_count} GPUs`, async (note) => {
    const rented = await customer.rent(wanted);
    note(
      `${rented.gpu_model} on ${rented.provider_id} for ${rented.price_per_hour} per hour until ${rented.expires_at}`,
    );
    if (rented.image_digest !== undefined) note(`${rented.image} is ${rented.image_digest.slice(0, 19)}…`);
    note(`${rented.ssh_command}   (the broker has seen it answer, with the job’s own key)`);
    return rented;
  });
  await step('the customer logs in', async (note) => note(`“${await readGreeting(flags.data, job)}”`));
  await step('those GPUs are no longer available', async () => {
    const isTaken = (rows: Availability[]) => free(before) - free(rows) === wanted.gpu_count;
    await availabilityWhen(customer, isTaken);
  });
  await step('the customer extends the rental by an hour', async (note) => {
    const { expires_at } = await customer.extend(job.job_id, 1);
    if (!(Date.parse(expires_at) > Date.parse(job.expires_at)))
      throw new Error(`the rental still ends at ${expires_at}`);
    note(`until ${expires_at}`);
  });
  if (chain !== undefined) await step('the job runs for fifteen seconds', () => sleep(15_000, undefined));
  await step('the customer cancels the rental', async (note) => note((await customer.cancel(job.job_id)).status));
  if (chain !== undefined && money !== undefined)
    await chain.settle({ customer: renter, visitor: customer, providerId: job.provider_id, before: money });
  await step('wl is logged in with a wallet of its own', async (note) => {
    wl = await writeDemoWl(flags.data, api, process.env['AUTH_AUDIENCE']);
    note(`${wl} whoami`);
  });
  await step('all GPUs are available again', async () => {
    await availabilityWhen(customer, (rows) => text(rows) === text(before));
  });
  extension = await step('a browser wallet is written, for who has none', async () => {
    const owner = ownerWallet(flags.data, owned);
    const accounts = [
      { name: 'Demo customer', privateKey: demoWallet(flags.data, 'customer').privateKey },
      { name: `Demo owner of ${owned}`, privateKey: owner.privateKey },
      { name: 'Demo operator', privateKey: operator.privateKey },
    ];
    return await writeWalletExtension(flags.data, {
      origin: new URL(audience).origin,
      chainId,
      node: stack?.endpoints().chain,
      accounts,
    });
  });
  const others = [...(flags.lively ? lively : []), ...(flags.stuck ? ['stuck'] : [])];
  if (chain !== undefined)
    await step(
      others.length === 0 ? 'the wallet of wl deposits, too' : 'wl and the other customers deposit, too',
      async () => {
        const accounts = others.map((name) => demoWallet(flags.data, name).account);
        await chain.booked(await chain.depositWhereLow([demoWlAccount(flags.data), ...accounts]), customer);
      },
    );
  if (flags.stuck)
    await step('a job whose image never comes is ordered', async (note) =>
      note(await orderStuckJob({ api, audience }, demoWallet(flags.data, 'stuck'))),
    );
  if (flags.lively) {
    const customers = lively.map((name) => demoWallet(flags.data, name));
    makeLively({ api, audience, signal: over.signal }, { providers, customers });
    say('the market is lively: prices move, others rent and leave, and demo-fjord goes and comes');
  }
  say('');
  say(`all steps took ${seconds(Date.now() - began)}`);
}

function chainOf({ chain, chain_id, vault, token, ...rest }: Endpoints): OnChain | undefined {
  if (chain === undefined || chain_id === undefined || vault === undefined || token === undefined) return undefined;
  return onChain({ ...rest, chain, chain_id, vault, token }, flags.data, steps);
}

/** Waits until every machine of the demo offers its GPUs; what was rented in an earlier run still is. */
async function offered(customer: Customer, note: (line: string) => void): Promise<Availability[]> {
  const rows = await availabilityWhen(customer, (found) =>
    machines.every(({ providerId, gpus }) =>
      found.some(
        (row) =>
          row.provider_id === providerId &&
          gpuTypeKey(row.gpu_type) === gpuTypeKey(gpus.model) &&
          row.total_gpus === gpus.count,
      ),
    ),
  );
  for (const row of rows) {
    const { provider_id, available_gpus, total_gpus, gpu_type, price_per_hour } = row;
    note(`${provider_id}: ${available_gpus} of ${total_gpus} ${gpu_type}, ${price_per_hour} per GPU and hour`);
  }
  return rows;
}

/** Polls the availability until it fits: public figures may be a second old. */
async function availabilityWhen(customer: Customer, fits: (rows: Availability[]) => boolean): Promise<Availability[]> {
  for (const deadline = Date.now() + 30_000; ; await sleep(250)) {
    const rows = await customer.availability();
    if (fits(rows)) return rows;
    if (Date.now() > deadline) throw new Error(`available after 30 s: ${text(rows) || 'nothing'}`);
  }
}

function free(rows: Availability[]): number {
  return rows.reduce((sum, row) => sum + row.available_gpus, 0);
}

function text(rows: Availability[]): string {
  return rows
    .map((row) => `${row.provider_id} ${row.gpu_type} ${row.available_gpus}/${row.total_gpus}`)
    .sort()
    .join(', ');
}

async function leave(code: number): Promise<never> {
  over.abort();
  await Promise.all(providers.map((provider) => provider.stop()));
  await stack?.stop();
  process.exit(code);
}
