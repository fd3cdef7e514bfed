/** Every invariant that chaos checks, each with a short name by which a planted fault refers to it. */
export const invariants = {
  wanted: 'every job ended as its customer wanted',
  answers: 'no request meets a server error, and who is to come again is told when',
  told: 'what a customer is told of his job never goes back',
  rows: 'at every moment: no job runs without its pod, and its row never goes back',
  pods: 'at every moment: a job has one pod',
  events: 'the events of a job are without a gap or a twin, and its end is the last',
  orders: 'a key has one job: one row, one charge for the order, one workflow',
  starts: 'while a healthy machine has room, no order fails by a broken one',
  out: 'broken machines are taken out, and no others',
  mended: 'a machine that was mended serves again',
  insistent: 'of a provider that registers over and over, what it said last counts and little is kept',
  rented: 'what is rented is what allocations hold, and never more than there is',
  allocations: 'no allocation outlives its job, and no ended job is without a release',
  ledger: 'money: nothing reserved any more, every charge settled once',
  receipts: 'money: every ended job whose SSH answered has one receipt, signed, and nothing is wrong with any',
  bills: 'money: every job costs what it was served for, by what happened to it, and no more than was quoted',
  books: 'money: ledger, charges, sessions and jobs agree, and every ended job has one settlement',
  cluster: 'no object of a job is left in the cluster',
  workflows: 'no workflow of a job is left running',
  failed: 'no workflow failed',
  tasks: 'no workflow task failed',
  schedules: 'what is done over and over is scheduled, and goes on',
  messages: 'every message was read and acknowledged, and none was given up',
  service: 'every provider that registered is in service, but for those whose machine died',
  tokens: 'no join token of a provider that joined is left',
  nodes: 'a node of the fleet is let through, whoever was killed',
  repairs: 'the reconciler repairs what was put wrong on purpose, and finds nothing else that a kill does not explain',
  final: 'chain, at every moment: nothing is booked before it is final',
  booked: 'chain: what is final is booked, once, and nothing else is',
  vault: 'chain: what all accounts hold is what was deposited and not withdrawn, to the unit',
  settlements: 'chain: what was executed is booked once, and no line is above a cap or a deposit',
  withdrawals: 'chain: what left the vault is booked once, and nobody got more than he had',
  prepaid: 'chain: no job ran unpaid',
  lies: 'chain: what a node alone says credits nothing, and raises an alarm',
  secrets: 'no secret stands in a log or a history',
  enough: 'enough happened for all of this to mean something',
} as const;

export type Invariant = keyof typeof invariants;

/** One invariant, and the violation that was found, if any. */
export interface Finding {
  invariant: Invariant;
  violations: string[];
  /** Set if waiting cannot make the violation go away. */
  isLasting?: boolean;
}
