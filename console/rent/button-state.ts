/** What decides whether an order can be sent. */
export interface Situation {
  canAct: boolean;
  isConnected: boolean;
  /** Something in the form has to be changed first: the button leads there. */
  isWrong: boolean;
  /** What is typed is not what is quoted, or no quote has been read. */
  isPricing: boolean;
  /** The price could not be read. */
  isUnpriced: boolean;
  /** Undefined while there is no price. */
  canStart: boolean | undefined;
  /** The last attempt found a higher price, and ordered nothing. */
  hasChanged: boolean;
  /** It is not known whether this was ordered. */
  isUnanswered: boolean;
}

export interface ButtonState {
  label: string;
  isOff: boolean;
  /** Why it is off, or what will happen. */
  words: string;
}

/** Nothing is ordered at a price that does not stand on the page. */
export function buttonState(situation: Situation): ButtonState {
  const { canAct, isConnected, isWrong, isPricing, isUnpriced, canStart, hasChanged, isUnanswered } = situation;
  const label = !isConnected ? 'Connect wallet and rent' : hasChanged ? 'Rent at the new price' : 'Rent';
  const off = (words: string) => ({ label, isOff: true, words });
  if (!canAct) return off('The broker cannot be reached: nothing can be ordered now.');
  if (isWrong) return { label, isOff: false, words: 'Something in the form needs another value.' };
  if (isPricing) return off('The price is being worked out.');
  if (isUnpriced) return off('There is no price: nothing can be ordered now.');
  // The first attempt may be what has taken the machine.
  if (canStart === false && !isUnanswered) return off('');
  const first = 'Your wallet signs once. You say how much this browser may spend.';
  return { label, isOff: false, words: isConnected ? '' : first };
}
