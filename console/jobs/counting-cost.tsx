import { amountInWords, plain } from '../parts/index.js';
import { nowMs, second, token } from '../live/index.js';
import { countingFigure, spentNow, type Counted } from './spending.js';

/** What a job has cost, counting up each second while it runs. It is not read out each time. */
export function CountingCost({ of, bare = false }: { of: Counted; bare?: boolean }) {
  void second.value;
  const { symbol, decimals } = token();
  const units = spentNow(of, nowMs());
  const shown = plain(symbol, 12);
  return (
    <span class="money" title={amountInWords(units.toString(), { symbol: shown, decimals })}>
      <span class="num">{countingFigure(units, decimals)}</span>
      {!bare && ` ${shown}`}
    </span>
  );
}
