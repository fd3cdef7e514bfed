import type { OwnProvider } from '../../src/client/types.generated.js';

/** Machines that serve now and did not when they were last seen; one that nobody has seen before is new, not back. */
export function cameIntoService(
  before: ReadonlyMap<string, string> | undefined,
  now: readonly Pick<OwnProvider, 'provider_id' | 'status'>[],
): string[] {
  if (before === undefined) return [];
  return now
    .filter(
      ({ provider_id: id, status }) =>
        status === 'available' && before.get(id) !== 'available' && before.get(id) !== 'busy',
    )
    .map(({ provider_id: id }) => id);
}
