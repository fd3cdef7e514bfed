import { canAct, login, nowMs, token } from '../live/index.js';
import { Button } from '../parts/index.js';
import { buttonState, type Situation } from './button-state.js';
import { riseText } from './price-change.js';
import type { PriceChange } from './use-order.js';

interface RentButtonProps extends Omit<Situation, 'canAct' | 'isConnected' | 'hasChanged'> {
  isBusy: boolean;
  change: PriceChange | undefined;
  onRent(): void;
}

/** The one button that orders, and why it cannot be pressed. */
export function RentButton({ isBusy, change, onRent, ...situation }: RentButtonProps) {
  const { label, isOff, words } = buttonState({
    ...situation,
    canAct: canAct.value,
    isConnected: login.value !== undefined,
    hasChanged: change?.now.can_start === true,
  });
  return (
    <div class="stack tight">
      {change !== undefined && <Changed {...change} />}
      <Button kind="main" class="summary-rent" onClick={onRent} busy={isBusy} disabled={isOff}>
        {label}
      </Button>
      <p class="small soft" role="status">
        {isBusy ? '' : words}
      </p>
    </div>
  );
}

/** What has changed between the price that was shown and the order. */
function Changed({ was: { cost: was }, now }: PriceChange) {
  return (
    <div class="note tone-warn" role="alert">
      <p class="note-title">
        <span aria-hidden="true">▲ </span>
        {now.can_start ? 'The price has gone up' : 'No machine can take this any more'}
      </p>
      {now.can_start && <p>{riseText(was, now.cost, token())}</p>}
      <p>Nothing was ordered.</p>
    </div>
  );
}

/** A job outlives the login that ordered it, and goes on without it. */
export function LoginEnd({ hours }: { hours: number | undefined }) {
  const until = login.value?.expiresAt;
  if (until === undefined || hours === undefined) return null;
  if (Date.parse(until) > nowMs() + hours * 3_600_000) return null;
  return (
    <p class="small soft">
      Your login ends before the job does. The job goes on; to extend it, connect your wallet again.
    </p>
  );
}
