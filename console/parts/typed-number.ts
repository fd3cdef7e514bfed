/**
 * A number as a person typed it, with a decimal point: `0,5` is `0.5`. `1,234` stays as it is and so is refused as no
 * number, because half of the world means a thousand more by it than the other half.
 */
export function withPoint(typed: string): string {
  const text = typed.trim();
  return /^[1-9]\d{0,2},\d{3}$/.test(text) ? text : text.replace(',', '.');
}
