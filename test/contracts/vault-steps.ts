import type { Address } from 'viem';
import type { Random } from '../support/random.js';
import type { Actors } from './vault-actors.js';
import type { Content, Line, Signed, SpendPermit, Step, VaultCall } from './vault-calls.js';
import type { VaultModel } from './vault-model.js';
import { zeroAddress } from './vault-words.js';

const hour = 3_600;

/** What a step is chosen from. */
interface Choice {
  random: Random;
  model: VaultModel;
  actors: Actors;
}

type Does = Step['does'];

/** Most begin with a deposit, so that there is something to draw. */
export function openingSteps({ random, actors }: Choice): Step[] {
  const first = customersOf(actors).filter(() => random.next() < 0.7);
  return first.map((customer) => {
    const amounts = { amount: BigInt(random.whole(50, 400)), newCap: BigInt(random.whole(0, 400)) };
    return { afterS: 0, by: customer, does: { name: 'deposit', customer, ...amounts } };
  });
}

/**
 * Chooses a next step: mostly one that the vault should take, often one just beyond what it should, sometimes
 * anything by anybody. It looks at the model for what is near: a batch whose delay is over, a total that is covered.
 */
export function nextStep(choice: Choice): Step {
  const { random, model, actors } = choice;
  const afterS = passing(choice);
  const does = chosen(choice, model.nowS + afterS);
  const by = random.next() < 0.06 ? random.pick(Object.values(actors)) : callerOf(choice, does);
  const isTold = does.name === 'deposit' || ('to' in does && does.to === actors.wallet);
  const isReentered = model.token.kind === 'reentrant' && by === actors.wallet && isTold && random.next() < 0.8;
  return { afterS, by, does, ...(isReentered ? { nested: nestedCall(choice) } : {}) };
}

/** Often nothing, or just to where something begins or ends, a second before, or a second after. */
function passing({ random, model, actors }: Choice): number {
  if (random.next() < 0.35) return random.whole(0, 60);
  const { exitAt } = model.account(random.pick(customersOf(actors)));
  const announced = Object.values(model.announced).map(({ from }) => from);
  const paused = model.pausedUntil === 0 ? [] : [model.pausedUntil, model.pausedUntil + 96 * hour];
  const executable = [...model.batches].filter(([number]) => number > model.lastExecuted);
  const batches = executable.flatMap(([, { executableAt }]) => [executableAt, executableAt]);
  const ahead = [...batches, exitAt, ...announced, ...paused].filter((at) => at > model.nowS);
  if (ahead.length === 0 || random.next() < 0.2) return random.whole(0, 2 * 24 * hour);
  const at = random.next() < 0.6 ? Math.min(...ahead) : random.pick(ahead);
  return Math.max(0, at - model.nowS + random.pick([-1, 0, 0, 0, 1]));
}

function customersOf({ alice, bob, wallet }: Actors): Address[] {
  return [alice, bob, wallet];
}

/** Who should call it; nobody in particular where anybody may. */
function callerOf({ random, model, actors }: Choice, does: Does): Address {
  const customers = customersOf(actors);
  const among = (who: Address[], is: (who: Address) => boolean) => {
    const those = who.filter(is);
    return random.pick(those.length === 0 || random.next() < 0.2 ? who : those);
  };
  switch (does.name) {
    case 'deposit':
      return among(customers, (who) => who === does.customer);
    case 'withdraw':
      return does.signature.customer === actors.stranger ? random.pick(customers) : does.signature.customer;
    case 'exit':
    case 'cancelExit':
      return among(customers, (who) => model.account(who).exitAt !== 0);
    case 'requestExit':
      return among(customers, (who) => model.account(who).exitAt === 0);
    case 'propose':
      return model.holder('operator');
    case 'veto':
    case 'pause':
    case 'unpause':
      return model.holder('guardian');
    case 'sweepFees':
      return model.holder('treasury');
    case 'setOperator':
    case 'setGuardian':
    case 'setTreasury':
      return actors.admin;
    case 'withdrawEarnings':
      return among([actors.carla, actors.dora, actors.wallet], (who) => {
        const { credited, earningsWithdrawn } = model.account(who);
        return credited > earningsWithdrawn;
      });
    case 'execute':
    case 'raiseCap':
    case 'refuse':
      return actors.stranger;
    case 'send':
      return random.pick(customers);
  }
}

function chosen(choice: Choice, nowS: number): Does {
  const { random, model, actors } = choice;
  const accounts = Object.values(actors).map((who) => model.account(who));
  const isThere = (is: boolean, weight: number) => (is ? weight : 0.25);
  const hasMoney = accounts.some(({ balance }) => balance > 0n);
  const hasEarnings = accounts.some(({ credited, earningsWithdrawn }) => credited > earningsWithdrawn);
  const mayExit = accounts.some(({ exitAt }) => exitAt !== 0);
  const isOpen = model.proposed > model.lastExecuted && model.batches.get(model.proposed)?.isVetoed === false;
  const weights: [number, () => Does][] = [
    [isOpen ? 8 : 0.4, () => execution(choice)],
    [isOpen ? 0.8 : 6, () => ({ name: 'propose', number: near(random, model.proposed + 1), content: content(choice) })],
    [hasMoney ? 2 : 8, () => deposit(choice)],
    [1.2, () => ({ name: 'raiseCap', ...spendPermit(choice, random.pick(customersOf(actors)), 40n) })],
    [isThere(hasMoney, 2.5), () => withdrawal(choice, nowS)],
    [isThere(hasMoney, 1.2), () => ({ name: 'requestExit' })],
    [isThere(mayExit, 0.3), () => ({ name: 'cancelExit' })],
    [isThere(mayExit, 3), () => ({ name: 'exit', to: recipient(choice) })],
    [isThere(hasEarnings, 2.5), () => ({ name: 'withdrawEarnings', to: recipient(choice) })],
    [isThere(model.fees > 0n, 1.2), () => ({ name: 'sweepFees' })],
    [isOpen ? 1.2 : 0.3, () => ({ name: 'veto', number: random.whole(model.lastExecuted, model.proposed + 1) })],
    [0.6, () => ({ name: 'pause' })],
    [isThere(model.isPaused(), 0.8), () => ({ name: 'unpause' })],
    [0.9, () => roleChange(choice)],
    [0.3, () => ({ name: 'send', amount: BigInt(random.whole(1, 50)) })],
    [model.token.kind === 'blacklist' ? 1.5 : 0, () => refusal(choice)],
  ];
  let left = random.next() * weights.reduce((sum, [weight]) => sum + weight, 0);
  const found = weights.find(([weight]) => (left -= weight) < 0) ?? weights[0]!;
  return found[1]();
}

/** Mostly that number. */
function near(random: Random, number: number): number {
  return random.next() < 0.9 ? number : Math.max(0, number + random.pick([-1, 1, 2]));
}

/** Of an amount that is covered: mostly a part, often all of it, sometimes one more. */
function upTo(random: Random, most: bigint): bigint {
  const where = random.next();
  if (where < 0.12) return most + 1n;
  if (where < 0.4) return most;
  return most <= 0n ? 0n : BigInt(random.whole(0, Number(most)));
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function recipient({ random, model, actors }: Choice): Address {
  const where = random.next();
  if (where < 0.03) return zeroAddress;
  if (where < 0.06) return model.settings.vault;
  return random.pick([actors.alice, actors.bob, actors.wallet, actors.carla, actors.stranger]);
}

function deposit({ random, model, actors }: Choice): VaultCall {
  const where = random.next();
  const customer = where < 0.03 ? zeroAddress : where < 0.05 ? model.settings.vault : random.pick(customersOf(actors));
  const newCap = random.next() < 0.6 ? BigInt(random.whole(0, 300)) : 0n;
  const size = random.next();
  const amount = size < 0.07 ? 0n : size < 0.12 ? 5_000n : BigInt(random.whole(1, 250));
  return { name: 'deposit', customer, amount, newCap };
}

function content({ random, model, actors }: Choice): Content {
  const customers = customersOf(actors).filter(() => random.next() < 0.75);
  // One whom the vault does not know, and one who stands there twice.
  if (random.next() < 0.06) customers.push(random.pick([actors.stranger, ...customersOf(actors)]));
  let funds = model.fees;
  const draws: Line[] = customers.map((who) => {
    const { balance, spent, cap } = model.account(who);
    const bound = least(balance, cap - spent);
    // Sometimes more than the cap that stands: a permit has to come along.
    const drawn = random.next() < 0.15 ? least(balance, bound + 40n) : upTo(random, bound);
    if (drawn > 0n) funds += drawn;
    return { who, cumulative: random.next() < 0.06 ? spent - least(spent, 5n) : spent + drawn };
  });
  const payees = [actors.carla, actors.dora, actors.wallet].filter(() => random.next() < 0.7);
  const credits: Line[] = payees.map((who, index) => {
    const { credited } = model.account(who);
    const gets = index < payees.length - 1 ? BigInt(random.whole(0, Number(funds / 2n))) : upTo(random, funds);
    funds -= gets;
    return { who, cumulative: random.next() < 0.04 ? credited - least(credited, 3n) : credited + gets };
  });
  return { draws, credits };
}

function execution(choice: Choice): VaultCall {
  const { random, model } = choice;
  const number =
    random.next() < 0.8 ? model.proposed : random.whole(Math.max(0, model.lastExecuted - 1), model.proposed + 1);
  const proposed = model.batches.get(number)?.content ?? content(choice);
  // As it was proposed, or with one line that somebody would like to be another one.
  const isChanged = random.next() < 0.06;
  const lines = (from: Line[]) =>
    from.map((line, index) => (isChanged && index === 0 ? { ...line, cumulative: line.cumulative + 1n } : line));
  const said = { draws: proposed.draws, credits: lines(proposed.credits) };
  return { name: 'execute', number, content: said, permits: permitsFor(choice, proposed.draws) };
}

/** For those whose total is above their cap; sometimes for one who needs none, and sometimes there is none. */
function permitsFor(choice: Choice, draws: Line[]): SpendPermit[] {
  const { random, model } = choice;
  const lacking = draws.filter(({ who, cumulative }) => cumulative > model.account(who).cap || random.next() < 0.1);
  return lacking
    .filter(() => random.next() < 0.9)
    .map(({ who, cumulative }) => spendPermit(choice, who, cumulative - model.account(who).cap));
}

function spendPermit({ random, model, actors }: Choice, customer: Address, more: bigint): SpendPermit {
  const { cap: present } = model.account(customer);
  const raised = present + BigInt(random.whole(0, 60)) + (more > 0n ? more : 0n);
  const cap = random.next() < 0.1 ? present - least(present, 1n) : raised;
  return { customer, cap, signature: signed({ random, model, actors }, customer, customer, cap, 0) };
}

function signed({ random, actors }: Choice, by: Address, customer: Address, total: bigint, deadline: number): Signed {
  // A contract has no key: somebody else signs for it, and in vain.
  const right = { by: by === actors.wallet ? actors.stranger : by, customer, total, deadline };
  if (random.next() < 0.82) return right;
  const flaws = ['large s', 'other chain', 'other vault', 'other v', 'too short', 'other kind'] as const;
  return random.pick<Signed>([
    ...flaws.map((flaw) => ({ ...right, flaw })),
    { ...right, by: actors.stranger },
    { ...right, customer: actors.stranger },
    { ...right, total: total + 1n },
  ]);
}

function withdrawal(choice: Choice, nowS: number): VaultCall {
  const { random, model, actors } = choice;
  const rich = customersOf(actors).filter((who) => model.account(who).balance > 0n);
  const customer = random.pick(rich.length > 0 ? rich : customersOf(actors));
  const { balance, withdrawn } = model.account(customer);
  // A permit that was used before has a total that is reached.
  const cumulative = random.next() < 0.12 ? withdrawn : withdrawn + upTo(random, balance);
  const deadline = nowS + random.pick([900, 900, 900, 900, 0, -1]);
  const signature = signed(choice, model.holder('operator'), customer, cumulative, deadline);
  return { name: 'withdraw', to: recipient(choice), cumulative, deadline, signature };
}

function roleChange({ random, model, actors }: Choice): VaultCall {
  const next = (mine: Address, other: Address) =>
    random.pick([mine, other, other, other, zeroAddress, model.settings.vault]);
  return random.pick<VaultCall>([
    { name: 'setOperator', next: next(actors.operator, actors.heir) },
    { name: 'setGuardian', next: next(actors.guardian, actors.warden) },
    { name: 'setTreasury', next: next(actors.treasury, actors.purse) },
  ]);
}

function refusal({ random, model, actors }: Choice): Does {
  const who = random.pick([...customersOf(actors), ...[actors.carla, model.holder('treasury')]]);
  return { name: 'refuse', who, isRefused: random.next() < 0.6 };
}

/** What a thief would try while his tokens move. */
function nestedCall(choice: Choice): VaultCall {
  const { random, model, actors } = choice;
  const mine = { name: 'deposit', customer: actors.wallet, amount: 7n, newCap: 0n } as const;
  return random.pick<VaultCall>([
    mine,
    mine,
    { name: 'exit', to: actors.wallet },
    { name: 'withdrawEarnings', to: actors.wallet },
    { name: 'execute', number: model.proposed, content: { draws: [], credits: [] }, permits: [] },
    { name: 'requestExit' },
    { name: 'cancelExit' },
  ]);
}
