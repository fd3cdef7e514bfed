import { broker, token, useResource } from '../live/index.js';
import { durationInWords, Input, Segmented, plain } from '../parts/index.js';
import { buysInWords, readLimit } from './limits.js';
import { loginSeconds } from './open-session.js';

interface LimitChoiceProps {
  /** In tokens. */
  offered: readonly string[];
  /** One of those, or `own`. */
  chosen: string;
  own: string;
  onChoose(chosen: string): void;
  onOwn(text: string): void;
}

/** "How much may this browser spend?", and what that means. */
export function LimitChoice({ offered, chosen, own, onChoose, onOwn }: LimitChoiceProps) {
  const { symbol, decimals } = token();
  const market = useResource('market', () => broker().market.now());
  const limit = chosen === 'own' ? readLimit(own, decimals) : chosen;
  const options = [
    ...offered.map((value) => ({ value, label: value === '0' ? 'Look only' : <span class="num">{value}</span> })),
    { value: 'own', label: 'Other' },
  ];
  const isWrong = chosen === 'own' && own !== '' && limit === undefined;
  const buys = limit === undefined ? undefined : buysInWords(limit, market.data?.gpu_types ?? []);
  return (
    <div class="stack tight">
      <h3 id="limit-question">How much may this browser spend?</h3>
      <div class="row">
        <Segmented label="How much may this browser spend?" value={chosen} options={options} onChange={onChoose} />
        <span class="soft">{plain(symbol, 12)}</span>
      </div>
      {chosen === 'own' && (
        <Input
          label="At most"
          value={own}
          onInput={onOwn}
          inputMode="decimal"
          unit={plain(symbol, 12)}
          maxLength={32}
          error={isWrong ? 'A number, such as 25 or 0.5' : undefined}
        />
      )}
      <p class="soft small" aria-live="polite">
        {limit === '0'
          ? 'You can look at your jobs, machines and costs, and rent nothing.'
          : buys === undefined
            ? 'Orders above it ask you again.'
            : `That is ${buys}. Orders above it ask you again.`}{' '}
        It ends by itself after {durationInWords(loginSeconds())}, when you log out, or with this tab.
      </p>
    </div>
  );
}
