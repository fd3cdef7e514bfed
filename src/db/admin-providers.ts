import type { SitePrices } from '../config.js';
import { isProviderId } from '../domain/provider.js';
import type { ProviderStatus } from '../wire/statuses.js';
import { decodeCursor, encodeCursor, isWrittenTime } from './cursor.js';
import { siteParameter } from './offers.js';
import type { Queryable } from './pool.js';
import { providerOf, selectProviders, shownStatus, type ProviderRow, type ProviderTableRow } from './provider-row.js';

/** A provider with what an operator has to know to admit it. */
export interface ProviderToAdmit {
  provider: ProviderRow;
  /** It has signed a message: then it needs no approval. */
  signs: boolean;
  /** The wallet that it names was approved. */
  isApproved: boolean;
  /** When its newest join token ends, if one is valid. */
  joinTokenExpiresAt?: Date;
  agentVersion?: string;
  blocked?: { reason: string; until?: Date };
}

/**
 * All providers in the order of registration, retired ones too. Only for operators.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listAnyProviders(
  db: Queryable,
  { status, limit, cursor }: { status?: ProviderStatus | undefined; limit: number; cursor?: string | undefined },
  site: SitePrices,
): Promise<{ providers: ProviderToAdmit[]; nextCursor?: string }> {
  const [registeredAt, providerId] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isProviderId);
  const { rows } = await db.query<ProviderTableRow>(
    `${selectProviders}
      where ($3::text is null or ${shownStatus} = $3)
        and ($4::timestamptz is null or (p.registered_at, p.provider_id) > ($4, $5))
      order by p.registered_at, p.provider_id
      limit $6`,
    [null, siteParameter(site), status ?? null, registeredAt ?? null, providerId ?? null, limit + 1],
  );
  const page = rows.slice(0, limit).map(providerOf);
  const facts = await factsOf(
    db,
    page.map((provider) => provider.providerId),
  );
  const last = page.at(-1);
  return {
    providers: page.map((provider) => ({
      ...{ provider, signs: false, isApproved: false },
      ...facts.get(provider.providerId),
    })),
    ...(rows.length > limit && last !== undefined
      ? { nextCursor: encodeCursor(last.registeredAt.toISOString(), last.providerId) }
      : {}),
  };
}

async function factsOf(
  db: Queryable,
  providerIds: readonly string[],
): Promise<Map<string, Omit<ProviderToAdmit, 'provider'>>> {
  const { rows } = await db.query<{
    provider_id: string;
    signs: boolean;
    is_approved: boolean;
    agent_version: string | null;
    join_token_expires_at: Date | null;
    reason: string | null;
    until: Date | null;
  }>(
    `select p.provider_id, coalesce(p.approved_wallet = p.wallet_addr, false) as is_approved, p.agent_version,
            exists (select from provider_identities i
                     where i.provider_id = p.provider_id and i.signed_at is not null) as signs,
            (select max(t.expires_at) from join_tokens t
              where t.provider_id = p.provider_id and t.deleted_at is null and t.expires_at > now()) as join_token_expires_at,
            b.reason, b.until
       from providers p
       left join blocks b on b.kind = 'provider' and b.value = p.provider_id and (b.until is null or b.until > now())
      where p.provider_id = any ($1::text[])`,
    [providerIds],
  );
  return new Map(
    rows.map((row) => [
      row.provider_id,
      {
        ...{ signs: row.signs, isApproved: row.is_approved },
        ...(row.agent_version === null ? {} : { agentVersion: row.agent_version }),
        ...(row.join_token_expires_at === null ? {} : { joinTokenExpiresAt: row.join_token_expires_at }),
        ...(row.reason === null
          ? {}
          : { blocked: { reason: row.reason, ...(row.until === null ? {} : { until: row.until }) } }),
      },
    ]),
  );
}
