/** How amounts are shown: base units stand for 10^-decimals of a token. */
export interface Token {
  symbol: string;
  decimals: number;
}

/** `25 WLC`, `−0.5 WLC`: base units in tokens, without losing a digit. */
export function amountInWords(baseUnits: string, { symbol, decimals }: Token): string {
  const isNegative = baseUnits.startsWith('-');
  const digits = baseUnits.slice(isNegative ? 1 : 0).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  const grouped = whole.replace(/\B(?=(?:[0-9]{3})+$)/g, ' ');
  return `${isNegative ? '−' : ''}${grouped}${fraction === '' ? '' : `.${fraction}`} ${symbol}`;
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** `8 hours`, `1 day 12 hours`: the two largest units that say it. */
export function durationInWords(seconds: number): string {
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, length] of units) {
    const count = Math.floor(rest / length);
    if (count === 0) continue;
    parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    rest -= count * length;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? '0 seconds' : parts.join(' ');
}

const maxShownCharacters = 80;

/**
 * A stranger's text in a form that can neither reorder nor hide what stands beside it: without control and format
 * characters, in one line, and short.
 */
export function plain(text: unknown, maxCharacters = maxShownCharacters): string {
  if (typeof text !== 'string') return '';
  const visible = text
    .slice(0, 20 * maxCharacters)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/[\p{Cf}\p{Co}\p{Cn}\p{Cs}]/gu, '')
    .trim();
  const characters = [...visible];
  return characters.length <= maxCharacters ? visible : `${characters.slice(0, maxCharacters - 1).join('')}…`;
}

/** `0x12ab…89ef`: enough to compare with what a wallet shows. */
export function shortAddress(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}
