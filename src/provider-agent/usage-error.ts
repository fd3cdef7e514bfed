/** A missing, unknown or invalid option. The message is for the person at the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
