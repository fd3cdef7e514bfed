/** `17:52:11`, with the day in front if it is not today's, on the reader's clock. */
export function secondsClock(at: string, nowMs: number): string {
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return '';
  const clock = time.toLocaleTimeString('en-GB');
  if (time.toDateString() === new Date(nowMs).toDateString()) return clock;
  return `${time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${clock}`;
}
