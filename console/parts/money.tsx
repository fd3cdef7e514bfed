import { token } from '../live/broker.js';
import { figureOf, priceFigure } from './amounts.js';
import { amountInWords, plain } from './words.js';

/** An amount of base units with the broker's own symbol: `<Money units={job.cost.spent} />`. The title has all digits. */
export function Money({ units, bare = false }: { units: string | bigint; /** Without the symbol. */ bare?: boolean }) {
  const { symbol, decimals } = token();
  const shown = plain(symbol, 12);
  return (
    <span class="money" title={amountInWords(String(units), { symbol: shown, decimals })}>
      <span class="num">{figureOf(units, decimals)}</span>
      {!bare && ` ${shown}`}
    </span>
  );
}

/** A price per hour, in tokens, as offers have it. */
export function Price({ perHour, bare = false }: { perHour: number; bare?: boolean }) {
  return (
    <span class="money">
      <span class="num">{priceFigure(perHour)}</span>
      {!bare && ` ${plain(token().symbol, 12)}/h`}
    </span>
  );
}
