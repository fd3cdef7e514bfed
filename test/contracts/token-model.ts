import type { Address } from 'viem';
import type { TokenKind } from './vault-calls.js';

/** What each kind of token does, in words of its own. */
export class TokenModel {
  private readonly balances = new Map<Address, bigint>();
  private readonly refused = new Set<Address>();
  private readonly allowing = new Set<Address>();

  constructor(readonly kind: TokenKind) {}

  balance(who: Address): bigint {
    return this.balances.get(who) ?? 0n;
  }

  mint(who: Address, amount: bigint): void {
    this.balances.set(who, this.balance(who) + amount);
  }

  /** What leads back to the present state. */
  keep(): () => void {
    const kept = [...this.balances];
    return () => {
      this.balances.clear();
      for (const [who, balance] of kept) this.balances.set(who, balance);
    };
  }

  refuse(who: Address, isRefused: boolean): void {
    if (isRefused) this.refused.add(who);
    else this.refused.delete(who);
  }

  /** Whoever lets the vault take what he has. */
  allow(who: Address): void {
    this.allowing.add(who);
  }

  pull(from: Address, to: Address, amount: bigint): boolean {
    const isAllowed = this.allowing.has(from) || amount === 0n;
    return isAllowed && this.move(from, to, amount);
  }

  /** Whether the token does it. */
  move(from: Address, to: Address, amount: bigint): boolean {
    const taken = this.kind === 'greedy' ? amount + 1n : amount;
    const isRefused = this.refused.has(from) || this.refused.has(to);
    if (isRefused || this.balance(from) < taken) return false;
    const arrives = this.kind === 'fee' ? amount - amount / 100n : amount;
    this.mint(from, -taken);
    this.mint(to, arrives);
    return true;
  }
}
