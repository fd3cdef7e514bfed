import type { Settlement, SettlementSummary } from '../../src/client/types.generated.js';
import type { Tone } from '../parts/tone.js';

type Where = Pick<SettlementSummary, 'status' | 'executable_at' | 'void_reason'>;

/** Where a settlement is, in a word. */
export function stateOf({ status, executable_at: from }: Where, nowMs: number): { tone: Tone; word: string } {
  if (status === 'final') return { tone: 'good', word: 'executed' };
  if (status === 'void') return { tone: 'off', word: 'void' };
  return from !== null && Date.parse(from) > nowMs
    ? { tone: 'busy', word: 'can be looked at' }
    : { tone: 'busy', word: 'is being executed' };
}

const voidWords: Readonly<Record<string, string>> = {
  vetoed: 'The guardian vetoed it: nothing of it was moved.',
  foreign: 'Somebody else proposed another settlement under its number: nothing of it was moved.',
  passed_over: 'A later one, with the totals of this one in it, was executed first.',
  operator_changed: 'The vault has had another operator since: nothing of it was moved.',
};

/** Why a settlement will never be executed. */
export function voidInWords(reason: string | null): string {
  if (reason === null) return 'It will never be executed.';
  if (Object.hasOwn(voidWords, reason)) return voidWords[reason]!;
  return reason.startsWith('refused')
    ? 'The vault refused one of its lines: nothing of it was moved, and the next one was cut without it.'
    : 'It will never be executed.';
}

export type Line = { wallet: string; total: string; isOwn: boolean };

/** Lines with the own one first; the order of the rest is that of the hash. */
export function linesOf({ draws, credits }: Pick<Settlement, 'draws' | 'credits'>, own: string | undefined) {
  const isOwn = (wallet: string) => own !== undefined && wallet.toLowerCase() === own.toLowerCase();
  const ownFirst = (lines: readonly Line[]) => [...lines].sort((a, b) => Number(b.isOwn) - Number(a.isOwn));
  return {
    draws: ownFirst(
      draws.map(({ customer, cumulative_tokens: total }) => ({ wallet: customer, total, isOwn: isOwn(customer) })),
    ),
    credits: ownFirst(
      credits.map(({ payee, cumulative_tokens: total }) => ({ wallet: payee, total, isOwn: isOwn(payee) })),
    ),
  };
}
