import type { Deposits } from '../client/shapes.js';
import type { Money } from '../words/money.js';
import { clean } from '../words/clean.js';
import { momentText } from '../words/durations.js';

/** What a wallet has in the vault of a site with a chain, as the broker has read it; nothing on a site without one. */
export function depositLines(
  deposits: Deposits,
  money: Pick<Money, 'amount' | 'sum'>,
  time: { nowMs: number; isUtc: boolean },
): (readonly [string, string])[] {
  const { vault, cap, cap_signed: capSigned, drawn, incoming, withdrawing, exit_at: exitAt, waiting } = deposits;
  if (vault === null) return [];
  const left = BigInt(deposits.deposited) - BigInt(deposits.withdrawn);
  const signed = capSigned === cap ? '' : `, with your signature that is not on the chain yet`;
  return [
    ['vault', `${clean(vault.address)} on chain ${vault.chain_id}`],
    ['deposited', `${money.sum(deposits.deposited)} in all, ${money.amount(deposits.withdrawn)} of it taken out again`],
    ['cap', `jobs may draw ${money.sum(capSigned)} in all${signed}; ${money.amount(drawn)} are drawn`],
    ...(BigInt(capSigned) - BigInt(drawn) < left - BigInt(drawn)
      ? ([['', 'less than what is there: wl deposit --cap N raises it']] as const)
      : []),
    ...(deposits.frozen === null || deposits.frozen === undefined
      ? []
      : ([['frozen', frozenText(deposits.frozen.reason)]] as const)),
    ...incoming.map(
      ({ amount, block }) => ['on its way', `${money.sum(amount)} deposited in block ${block}, not final yet`] as const,
    ),
    ...(waiting === '0' ? [] : ([['waiting', `${money.sum(waiting)}, too little to be booked by itself`]] as const)),
    ...(withdrawing === null
      ? []
      : ([
          [
            'leaving',
            `${money.sum(withdrawing.amount)} held for you to take out${untilText(withdrawing.deadline, time)}: wl withdraw`,
          ],
        ] as const)),
    ...(exitAt === null
      ? []
      : ([['exit', `everything can be taken out ${momentText(exitAt, time)}: wl exit`]] as const)),
  ];
}

const frozenText = (reason: string) =>
  reason === 'refused'
    ? 'no jobs are taken: the vault refuses to draw what they cost'
    : 'no jobs are taken: what ran before was not paid for';

const untilText = (deadline: string | null, time: { nowMs: number; isUtc: boolean }) =>
  deadline === null ? '' : `, for ${momentText(deadline, time).replace(/^in /, '')}`;
