import type { Address } from 'viem';
import type { TokenModel } from './token-model.js';
import type { Content, Line, Signed, SpendPermit, VaultCall } from './vault-calls.js';
import {
  Refusal,
  zeroAddress,
  type Account,
  type Announcement,
  type Batch,
  type Role,
  type VaultSettings,
} from './vault-words.js';
import { textOf, totals } from './vault-totals.js';

const hour = 3_600;

/** The vault as its description has it, without a look at its code: what is refused and why, and who has what. */
export class VaultModel {
  nowS = 0;
  proposed = 0;
  lastExecuted = 0;
  pausedUntil = 0;
  fees = 0n;
  readonly batches = new Map<number, Batch>();
  readonly announced: Partial<Record<Role, Announcement>> = {};
  private readonly accounts = new Map<Address, Account>();
  private holders: Record<Role, Address>;

  constructor(
    readonly settings: VaultSettings,
    readonly token: TokenModel,
  ) {
    this.holders = { ...settings.holders };
  }

  account(who: Address): Account {
    let account = this.accounts.get(who);
    if (account === undefined) {
      account = { balance: 0n, spent: 0n, cap: 0n, exitAt: 0, withdrawn: 0n, credited: 0n, earningsWithdrawn: 0n };
      this.accounts.set(who, account);
    }
    return account;
  }

  /** All that the vault owes to anybody. */
  owed(): bigint {
    const accounts = [...this.accounts.values()];
    return accounts.reduce((sum, a) => sum + a.balance + a.credited - a.earningsWithdrawn, this.fees);
  }

  passTo(nowS: number): void {
    this.nowS = nowS;
    for (const role of ['operator', 'guardian', 'treasury'] as const) {
      const announcement = this.announced[role];
      if (announcement === undefined || nowS < announcement.from) continue;
      this.holders[role] = announcement.next;
      delete this.announced[role];
    }
  }

  holder(role: Role): Address {
    return this.holders[role];
  }

  isPaused(): boolean {
    return this.nowS < this.pausedUntil;
  }

  /**
   * @param midway what happens while the token moves
   * @throws Refusal, and then nothing has changed
   */
  apply(by: Address, call: VaultCall, midway: () => void = () => undefined): void {
    const keptAccounts = [...this.accounts].map(([who, account]) => [who, { ...account }] as const);
    const [keptFees, restoreToken] = [this.fees, this.token.keep()];
    try {
      this.change(by, call, midway);
    } catch (error) {
      this.accounts.clear();
      for (const [who, account] of keptAccounts) this.accounts.set(who, account);
      this.fees = keptFees;
      restoreToken();
      throw error;
    }
  }

  private change(by: Address, call: VaultCall, midway: () => void): void {
    switch (call.name) {
      case 'deposit':
        return this.deposit(by, call, midway);
      case 'raiseCap':
        return this.raiseCap(by, call);
      case 'propose':
        return this.propose(by, call.number, call.content);
      case 'veto':
        return this.veto(by, call.number);
      case 'execute':
        return this.execute(call);
      case 'withdraw':
        return this.withdraw(by, call, midway);
      case 'requestExit':
        refuseUnless(this.account(by).exitAt === 0, 'ExitPending');
        this.account(by).exitAt = this.nowS + this.settings.exitDelayS;
        return;
      case 'cancelExit':
        refuseUnless(this.account(by).exitAt !== 0, 'NoExit');
        this.account(by).exitAt = 0;
        return;
      case 'exit':
        return this.exit(by, call.to, midway);
      case 'withdrawEarnings':
        return this.withdrawEarnings(by, call.to, midway);
      case 'sweepFees':
        return this.sweepFees(by, midway);
      case 'pause':
        refuseUnless(by === this.holder('guardian'), 'NotGuardian');
        refuseUnless(this.pausedUntil === 0 || this.nowS >= this.pausedUntil + 96 * hour, 'TooEarly');
        this.pausedUntil = this.nowS + 72 * hour;
        return;
      case 'unpause':
        refuseUnless(by === this.holder('guardian'), 'NotGuardian');
        refuseUnless(this.isPaused(), 'NotPaused');
        this.pausedUntil = this.nowS;
        return;
      case 'setOperator':
        return this.announce(by, 'operator', call.next);
      case 'setGuardian':
        return this.announce(by, 'guardian', call.next);
      case 'setTreasury':
        return this.announce(by, 'treasury', call.next);
    }
  }

  private deposit(by: Address, call: Extract<VaultCall, { name: 'deposit' }>, midway: () => void): void {
    refuseUnless(!this.isPaused(), 'Paused');
    this.requireSomebody(call.customer);
    const before = this.token.balance(this.settings.vault);
    refuseUnless(this.token.pull(by, this.settings.vault, call.amount), 'TransferFailed');
    const arrived = this.token.balance(this.settings.vault) - before;
    midway();
    refuseUnless(arrived > 0n, 'ZeroAmount');
    const account = this.account(call.customer);
    account.balance += arrived;
    if (by === call.customer && call.newCap > account.cap) account.cap = call.newCap;
  }

  private raiseCap(by: Address, { customer, cap, signature }: SpendPermit): void {
    refuseUnless(cap > this.account(customer).cap, 'Stale');
    if (by !== customer) this.requireSpendPermit({ customer, cap, signature });
    this.account(customer).cap = cap;
  }

  private propose(by: Address, number: number, content: Content): void {
    refuseUnless(!this.isPaused(), 'Paused');
    refuseUnless(by === this.holder('operator'), 'NotOperator');
    refuseUnless(number === this.proposed + 1, 'Stale');
    this.proposed = number;
    const executableAt = this.nowS + this.settings.batchDelayS;
    this.batches.set(number, { content, executableAt, proposer: by, isVetoed: false });
  }

  private veto(by: Address, number: number): void {
    refuseUnless(by === this.holder('guardian'), 'NotGuardian');
    refuseUnless(number > this.lastExecuted, 'Stale');
    const batch = this.batches.get(number);
    if (batch === undefined || batch.isVetoed) throw new Refusal('UnknownBatch');
    batch.isVetoed = true;
  }

  private execute({ number, content, permits }: Extract<VaultCall, { name: 'execute' }>): void {
    refuseUnless(!this.isPaused(), 'Paused');
    refuseUnless(number > this.lastExecuted, 'Stale');
    const batch = this.batches.get(number);
    if (batch === undefined || batch.isVetoed || textOf(batch.content) !== textOf(content))
      throw new Refusal('UnknownBatch');
    refuseUnless(this.nowS >= batch.executableAt, 'TooEarly');
    refuseUnless(batch.proposer === this.holder('operator'), 'NotOperator');
    const caps = this.capsAfter(permits);
    const drawn = this.drawn(content.draws, caps);
    const credited = totals(content.credits, (who) => this.account(who).credited);
    refuseUnless(credited.sum <= drawn.sum + this.fees, 'Unbalanced');
    for (const [who, cap] of caps) this.account(who).cap = cap;
    for (const [who, spent] of drawn.after) {
      const account = this.account(who);
      account.balance -= spent - account.spent;
      account.spent = spent;
    }
    for (const [who, total] of credited.after) this.account(who).credited = total;
    this.fees += drawn.sum - credited.sum;
    this.lastExecuted = number;
  }

  private capsAfter(permits: SpendPermit[]): Map<Address, bigint> {
    const caps = new Map<Address, bigint>();
    for (const permit of permits) {
      const cap = caps.get(permit.customer) ?? this.account(permit.customer).cap;
      if (permit.cap <= cap) continue;
      this.requireSpendPermit(permit);
      caps.set(permit.customer, permit.cap);
    }
    return caps;
  }

  private drawn(draws: Line[], caps: Map<Address, bigint>): { after: Map<Address, bigint>; sum: bigint } {
    return totals(
      draws,
      (who) => this.account(who).spent,
      (who, total) => {
        const { cap, balance, spent } = this.account(who);
        if (total > (caps.get(who) ?? cap)) throw new Refusal('CapExceeded', who);
        if (total - spent > balance) throw new Refusal('InsufficientBalance', who);
      },
    );
  }

  private withdraw(by: Address, call: Extract<VaultCall, { name: 'withdraw' }>, midway: () => void): void {
    this.requireSomebody(call.to);
    refuseUnless(this.nowS <= call.deadline, 'Expired');
    const { withdrawn } = this.account(by);
    refuseUnless(call.cumulative > withdrawn, 'Stale');
    const { signature } = call;
    const isFor =
      signature.customer === by && signature.total === call.cumulative && signature.deadline === call.deadline;
    refuseUnless(isFor && isSignedBy(signature, this.holder('operator')), 'BadSignature');
    this.payCustomer(by, call.to, call.cumulative - withdrawn, midway);
  }

  private exit(by: Address, to: Address, midway: () => void): void {
    this.requireSomebody(to);
    const account = this.account(by);
    refuseUnless(account.exitAt !== 0, 'NoExit');
    refuseUnless(this.nowS >= account.exitAt, 'TooEarly');
    refuseUnless(account.balance > 0n, 'ZeroAmount');
    account.exitAt = 0;
    this.payCustomer(by, to, account.balance, midway);
  }

  private payCustomer(by: Address, to: Address, amount: bigint, midway: () => void): void {
    const account = this.account(by);
    if (amount > account.balance) throw new Refusal('InsufficientBalance', by);
    this.send(to, amount);
    account.balance -= amount;
    account.withdrawn += amount;
    midway();
  }

  private withdrawEarnings(by: Address, to: Address, midway: () => void): void {
    this.requireSomebody(to);
    const account = this.account(by);
    const amount = account.credited - account.earningsWithdrawn;
    refuseUnless(amount > 0n, 'ZeroAmount');
    this.send(to, amount);
    account.earningsWithdrawn += amount;
    midway();
  }

  private sweepFees(by: Address, midway: () => void): void {
    refuseUnless(by === this.holder('treasury'), 'NotTreasury');
    refuseUnless(this.fees > 0n, 'ZeroAmount');
    this.send(by, this.fees);
    this.fees = 0n;
    midway();
  }

  private announce(by: Address, role: Role, next: Address): void {
    refuseUnless(by === this.settings.admin, 'NotAdmin');
    this.requireSomebody(next);
    this.announced[role] = { next, from: this.nowS + 48 * hour };
  }

  /** A token that takes more than is sent takes it from the others, so the vault sends none. */
  private send(to: Address, amount: bigint): void {
    refuseUnless(this.token.kind !== 'greedy' && this.token.move(this.settings.vault, to, amount), 'TransferFailed');
  }

  private requireSpendPermit({ customer, cap, signature }: SpendPermit): void {
    const isFor = signature.customer === customer && signature.total === cap;
    refuseUnless(isFor && isSignedBy(signature, customer), 'BadSignature');
  }

  private requireSomebody(who: Address): void {
    refuseUnless(who !== zeroAddress && who !== this.settings.vault, 'InvalidAddress');
  }
}

function isSignedBy({ by, flaw }: Signed, signer: Address): boolean {
  return by === signer && flaw === undefined;
}

function refuseUnless(holds: boolean, reason: string): void {
  if (!holds) throw new Refusal(reason);
}
