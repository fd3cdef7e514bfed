const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** True for the form of a UUID: anything else names no row, and is no question for the database. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}
