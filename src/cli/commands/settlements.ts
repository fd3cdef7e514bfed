import type { Settlement, SettlementSummary } from '../../client/shapes.js';
import { formatAmount } from '../../client/money.js';
import { clean } from '../../words/clean.js';
import { momentText } from '../../words/durations.js';
import { checkLines, checkOnChain } from '../chain/check-settlement.js';
import { knownVaults } from '../chain/known-vaults.js';
import { apiOf } from '../chain/named-vault.js';
import { nodeUrl, openNode, type NodeFlags } from '../chain/node.js';
import type { Context } from '../context.js';
import { exitCodes, usage, type ExitCode } from '../failure.js';
import type { Column } from '../terminal/table.js';
import type { Args } from '../tree/command.js';

interface Flags extends NodeFlags {
  all?: boolean;
}

const usuallyShown = 20;

/** `wl settlements` lists them; `wl settlements 7` shows one, with what is one's own in it, and checks it. */
export async function run(context: Context, [given]: Args, flags: Flags): Promise<ExitCode | void> {
  if (given === undefined) return await list(context, flags);
  const number = Number(given);
  if (!/^[1-9]\d{0,14}$/.test(given as string)) {
    throw usage(`"${clean(given as string)}" is no number of a settlement`, 'wl settlements lists them');
  }
  const client = await context.client();
  return await show(context, flags, await client.settlements.get(number));
}

async function list(context: Context, { all }: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const settlements = await client.settlements.list().all(all === true ? Infinity : usuallyShown);
  if (global.json === true) return screen.json({ settlements });
  if (global.quiet === true) return settlements.forEach(({ number }) => screen.print(String(number)));
  if (settlements.length === 0) return screen.paragraph('no settlements yet');
  const at = (time: string | null) => (time === null ? '–' : momentText(time, context.time()));
  const columns: Column<SettlementSummary>[] = [
    { title: 'NUMBER', of: ({ number }) => String(number), align: 'right' },
    { title: 'STATUS', of: ({ status }) => status, isText: true },
    { title: 'PROPOSED', of: ({ proposed_at }) => at(proposed_at), keep: 3 },
    { title: 'EXECUTED', of: (row) => (row.executed_at === null ? dueText(row, at) : at(row.executed_at)) },
    { title: 'WAITS FOR', of: ({ waits_for }) => clean(waits_for?.what ?? '–'), keep: 1, isText: true },
    { title: 'HASH', of: ({ hash }) => hash, keep: 2, isText: true },
  ];
  screen.table(columns, settlements);
  screen.paragraph('wl settlements NUMBER shows one, with your own line, and checks it');
}

const dueText = ({ status, executable_at }: SettlementSummary, at: (time: string | null) => string) =>
  status === 'proposed' ? `not yet; ${at(executable_at)} at the earliest` : '–';

async function show(context: Context, flags: Flags, settlement: Settlement): Promise<ExitCode> {
  const { screen, global } = context;
  const found = checkLines(settlement);
  const problems = [...found.problems, ...vaultProblems(context, settlement)];
  const isAsked = nodeUrl(context, flags) !== undefined;
  if (isAsked) {
    const node = await openNode(context, flags, settlement.chain_id);
    problems.push(...(await checkOnChain(node, settlement, found.hash)).problems);
  }
  const own = await ownLines(context, settlement);
  const code = problems.length === 0 ? exitCodes.done : exitCodes.bug;
  if (global.json === true) {
    screen.json({ ...settlement, own, check: { hash: found.hash ?? null, is_compared_with_chain: isAsked, problems } });
    return code;
  }
  if (global.quiet === true) screen.print(settlement.hash);
  else sayOne(context, settlement, own);
  for (const problem of problems) screen.paragraph(`${screen.paint('red', '✗')} ${clean(problem)}`, '  ');
  if (global.quiet === true) return code;
  if (problems.length > 0)
    screen.paragraph('Ask the operator and the guardian, and keep this: wl settlements N --json');
  else screen.paragraph(`${screen.paint('green', '✓')} ${checkedText(isAsked)}`, '  ');
  return code;
}

const checkedText = (isAsked: boolean) =>
  isAsked
    ? 'its lines have this hash, and so has the vault on the chain'
    : 'its lines have this hash. Whether the vault has it, too: --rpc URL';

/** A broker that shows settlements of another vault than the one where the money is. */
function vaultProblems(context: Context, { chain_id: chainId, vault }: Settlement): string[] {
  const known = knownVaults(context.folder).of(apiOf(context));
  if (known === undefined || (known.chainId === chainId && known.address === vault.toLowerCase())) return [];
  return [
    `it is of the vault ${vault} on chain ${chainId}, and your money went to ${known.address} on chain ${known.chainId}`,
  ];
}

interface OwnLine {
  drawn: string | null;
  credited: string | null;
}

/** What it says of the wallet that is logged in here; null without one. */
async function ownLines(
  context: Context,
  { draws, credits }: Settlement,
): Promise<(OwnLine & { wallet: string }) | null> {
  const wallet = await loggedIn(context);
  if (wallet === undefined) return null;
  const isOwn = (other: string) => other.toLowerCase() === wallet;
  return {
    wallet,
    drawn: draws.find(({ customer }) => isOwn(customer))?.cumulative ?? null,
    credited: credits.find(({ payee }) => isOwn(payee))?.cumulative ?? null,
  };
}

async function loggedIn(context: Context): Promise<string | undefined> {
  try {
    return (await (await context.client()).whoami()).wallet.toLowerCase();
  } catch {
    // Everybody may read a settlement, also without a login.
    return undefined;
  }
}

function sayOne(context: Context, settlement: Settlement, own: (OwnLine & { wallet: string }) | null): void {
  const { screen } = context;
  const { number, status, vault, chain_id: chainId, hash, token, draws, credits, tx, waits_for: waits } = settlement;
  const at = (time: string | null) => (time === null ? '–' : momentText(time, context.time()));
  const symbol = clean(token?.symbol ?? '');
  const sum = (units: string) =>
    token === null || !/^\d{1,39}$/.test(units)
      ? units
      : `${formatAmount(units, { decimals: token.decimals })} ${symbol}`;
  const lines = [
    `settlement ${number}: ${status}${settlement.void_reason === null ? '' : `, ${clean(settlement.void_reason)}`}`,
    `  vault     ${clean(vault)} on chain ${chainId}`,
    `  hash      ${clean(hash)}`,
    `  proposed  ${at(settlement.proposed_at)}${tx.propose === null ? '' : `, ${clean(tx.propose)}`}`,
    settlement.executed_at === null
      ? `  executed  not yet; ${at(settlement.executable_at)} at the earliest`
      : `  executed  ${at(settlement.executed_at)}${tx.execute === null ? '' : `, ${clean(tx.execute)}`}`,
    ...(waits === null ? [] : [`  waits     for ${clean(waits.what)}, since ${at(waits.since)}`]),
    `  lines     ${draws.length} customers, ${credits.length} payees`,
  ];
  if (own !== null) {
    const none = own.drawn === null && own.credited === null;
    if (none) lines.push('  yours     nothing: your total has not changed');
    if (own.drawn !== null) lines.push(`  yours     ${sum(own.drawn)} drawn in all since the beginning`);
    if (own.credited !== null) lines.push(`  yours     ${sum(own.credited)} credited in all since the beginning`);
  }
  for (const line of lines) screen.paragraph(line, '            ');
}
