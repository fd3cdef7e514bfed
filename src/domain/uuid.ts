const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** True for text in the form of a UUID. Anything else matches no row, so the database need not be asked. */
export function isUuid(text: string): boolean {
  return uuid.test(text);
}
