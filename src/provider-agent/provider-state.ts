import type { ProviderStatus } from '../wire/statuses.js';

/** The public status of a provider. */
export interface ProviderState {
  status: ProviderStatus;
  cordoned: boolean;
  /** It is cordoned and has no jobs. */
  drained: boolean;
  retiring: boolean;
}

const requestTimeoutMs = 20_000;

/**
 * Asks the broker for a provider's public status.
 *
 * @param broker the broker's origin, followed by the path prefix that a proxy strips, if any.
 * @returns undefined for a provider that the broker does not know.
 * @throws Error when nothing answers, or something other than the broker does.
 */
export async function readProviderState(
  broker: string,
  providerId: string,
  signal: AbortSignal,
): Promise<ProviderState | undefined> {
  const response = await fetch(`${broker}/api/v1/providers/${providerId}`, {
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
  });
  const body = (await response.json()) as Partial<ProviderState> & { code?: string };
  if (response.status === 404 && body.code === 'provider_not_found') return undefined;
  if (!response.ok || body.status === undefined) throw new Error(`the broker answered ${response.status}`);
  const { status, cordoned = false, drained = false, retiring = false } = body;
  return { status, cordoned, drained, retiring };
}
