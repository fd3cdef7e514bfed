import { setTimeout as sleep } from 'node:timers/promises';
import { createRpcs, type Rpc } from '../chain/rpc.js';
import { createLogger } from '../observability/logger.js';
import { approvalsFile, readApprovals, type Approvals } from './approvals.js';
import { connectBroker } from './broker.js';
import { checkGuardedVault } from './check-vault.js';
import { SetupError, type GuardianSettings } from './config.js';
import { memoryOfNow, openMemory } from './memory.js';
import { createSender, type GuardianCall } from './sender.js';
import { agreedView, type VaultView } from './vault.js';

type Print = (line: string) => void;

const short = (address: string) => `${address.slice(0, 6)}…${address.slice(-4)}`;

/** Checks everything once, and approves the keys that sign receipts now. */
export async function setUp(settings: GuardianSettings, print: Print): Promise<void> {
  const file = approvalsFile(settings);
  if (file.read() !== undefined)
    throw new SetupError('This guardian is set up already: use `approve key ADDRESS` for a key that is new.');
  const rpcs = createRpcs(settings);
  const { batchDelayS } = await checkGuardedVault(settings, rpcs);
  print(`✓ ${settings.address} is the guardian of the vault ${settings.vault} on chain ${settings.chainId}.`);
  print(`✓ A settlement can be executed ${batchDelayS} s after it was proposed.`);
  const broker = connectBroker(settings);
  const keys = await broker.keys();
  await broker.end();
  if (keys.length === 0)
    throw new SetupError('The broker says no key that signs receipts: set RECEIPT_PRIVATE_KEY there, and begin again.');
  openMemory(settings);
  file.write({ version: 1, keys: keys.map((address) => ({ address })), payouts: [] });
  print('✓ These keys may sign receipts from now on. Compare them with what the operator tells you in person:');
  for (const key of keys) print(`    ${key}`);
  print('A key that is not his: delete approved.json in GUARDIAN_DATA, and find out what this broker is.');
}

const addressForm = /^0x[0-9a-fA-F]{40}$/;
const payoutForm = /^[1-9]\d{0,18}$/;

/** Approves what only a person can: a new key for receipts, or a payout by hand. */
export function approve(settings: GuardianSettings, [what, which = '']: readonly string[], print: Print): void {
  const file = approvalsFile(settings);
  const now = readApprovals(settings);
  if (what === 'key' && addressForm.test(which)) {
    const address = which.toLowerCase();
    file.write({ ...now, keys: [...now.keys.filter((key) => key.address !== address), { address }] });
    return print(`✓ ${address} may sign receipts.`);
  }
  if (what === 'payout' && payoutForm.test(which)) {
    file.write({ ...now, payouts: [...new Set([...now.payouts, which])] });
    return print(`✓ Payout ${which} counts.`);
  }
  throw new SetupError('Say what: approve key ADDRESS, or approve payout ID.');
}

/** A key that was replaced or stolen signs nothing from now on. What it signed before stays good. */
export function retire(settings: GuardianSettings, [what, which = '']: readonly string[], print: Print): void {
  const now = readApprovals(settings);
  const address = which.toLowerCase();
  if (what !== 'key' || !now.keys.some((key) => key.address === address))
    throw new SetupError(`Say which: retire key ADDRESS, one of ${now.keys.map((key) => key.address).join(', ')}.`);
  const untilMs = Date.now();
  const keys: Approvals['keys'] = now.keys.map((key) => (key.address === address ? { address, untilMs } : key));
  approvalsFile(settings).write({ ...now, keys });
  print(`✓ ${address} signs nothing that is issued after ${new Date(untilMs).toISOString()}.`);
}

/** What the vault shows once a call is done. */
function isDone(call: GuardianCall, view: VaultView): boolean {
  if (call.name === 'pause') return view.pausedUntilS > view.timeS;
  if (call.name === 'unpause') return view.pausedUntilS <= view.timeS;
  return !view.pending.some(({ number }) => number === call.number);
}

const patienceMs = 300_000;

/** Sends a call of the guardian by hand, and waits until the vault shows it. */
export async function callVault(
  settings: GuardianSettings,
  { call, reason, pollMs = 2_000 }: { call: GuardianCall; reason: string; pollMs?: number },
  print: Print,
): Promise<void> {
  const logger = createLogger({ LOG_LEVEL: settings.logLevel }, 'guardian');
  const rpcs = createRpcs(settings);
  await checkGuardedVault(settings, rpcs);
  await mustMakeSense(rpcs, settings, call);
  // A process that guards has the file: what is sent by hand is not written there.
  const memory = memoryOfNow();
  const sender = createSender({ settings, rpcs, memory, logger });
  const name = call.name === 'veto' ? `veto of settlement ${call.number}` : call.name;
  logger.warn(
    { call: call.name, reason, ...(call.name === 'veto' ? { settlement: call.number } : {}) },
    'called by hand',
  );
  for (const beganMs = Date.now(); Date.now() - beganMs < patienceMs; await sleep(pollMs)) {
    if (isDone(call, await agreedView(rpcs, settings.vault))) return print(`✓ ${name}: the vault has it.`);
    const pushed = await sender.push(call);
    if (pushed.is === 'refused') throw new SetupError(`The vault refuses the ${name}: ${pushed.why}.`);
    if (pushed.is === 'coin')
      throw new SetupError(`${short(settings.address)} has too few coins for gas: send it some.`);
    if (pushed.is === 'gas') print('Gas costs more than GUARDIAN_MAX_FEE_GWEI: waiting.');
    if (pushed.is === 'disputed') print('The nodes of the chain disagree about it, and it was sent in vain: waiting.');
  }
  throw new SetupError(
    `The ${name} was sent, and is not mined after ${patienceMs / 1_000} s: look at the chain, and repeat it.`,
  );
}

async function mustMakeSense(rpcs: readonly Rpc[], { vault }: GuardianSettings, call: GuardianCall): Promise<void> {
  const view = await agreedView(rpcs, vault);
  if (call.name !== 'veto' || view.pending.some(({ number }) => number === call.number)) return;
  const open = view.pending.map(({ number }) => number).join(', ');
  throw new SetupError(
    `Settlement ${call.number} cannot be vetoed: it was executed, vetoed or never proposed. Open: ${open || 'none'}.`,
  );
}

/** What was decided, newest last. @returns whether the last settlement was approved. */
export function showDecisions(settings: GuardianSettings, print: Print): boolean {
  const { decisions, unchecked, approved } = openMemory(settings).now;
  for (const { number, verdict, atMs, reasons } of decisions.slice(-20)) {
    print(`${new Date(atMs).toISOString()}  settlement ${number}  ${verdict}`);
    for (const reason of reasons) print(`    ${reason}`);
  }
  if (decisions.length === 0) print('Nothing was decided yet.');
  if (unchecked.length > 0) print(`Executed without approval: ${unchecked.join(', ')}`);
  if (approved !== undefined) print(`The totals of settlement ${approved.number} are the base of the next.`);
  return decisions.at(-1)?.verdict !== 'vetoed' && unchecked.length === 0;
}
