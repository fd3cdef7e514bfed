/** Which jobs an operator looks at; it stands in the address, so that it can be kept and sent. */
export interface JobFilter {
  wallet?: string | undefined;
  providerId?: string | undefined;
  /** `active`, `all`, or states with commas between them. */
  status: string;
  olderThanS?: number | undefined;
}

/** Choices of state: what people ask for, then the states themselves. */
export const statusChoices = [
  ['active', 'not ended'],
  ['pending', 'waiting'],
  ['provisioning', 'starting'],
  ['running', 'running'],
  ['ending', 'ending'],
  ['completed,expired,cancelled', 'ended well'],
  ['failed,provider_lost', 'failed'],
  ['all', 'all'],
] as const;

export const ageChoices = [
  ['', 'any age'],
  ['300', 'older than 5 min'],
  ['3600', 'older than 1 h'],
  ['86400', 'older than 1 day'],
] as const;

const walletPattern = /^0x[0-9a-fA-F]{40}$/;

/** What cannot be asked for: nothing is sent while a field is like that. */
export function filterProblem({ wallet }: { wallet: string }): string | undefined {
  return wallet === '' || walletPattern.test(wallet) ? undefined : 'A wallet is 0x and 40 hex digits.';
}

export function readFilter(search: URLSearchParams): JobFilter {
  const [wallet, providerId, age] = ['wallet', 'provider', 'age'].map((name) => search.get(name) ?? '');
  const status = search.get('status') ?? 'active';
  return {
    ...(walletPattern.test(wallet!) ? { wallet: wallet! } : {}),
    ...(providerId === '' ? {} : { providerId: providerId! }),
    status: statusChoices.some(([value]) => value === status) ? status : 'active',
    ...(/^[1-9]\d{0,8}$/.test(age!) ? { olderThanS: Number(age) } : {}),
  };
}

/** The filter as the rest of an address; what is usual is left out. */
export function writeFilter({ wallet, providerId, status, olderThanS }: JobFilter): Record<string, string> {
  return {
    ...(wallet === undefined ? {} : { wallet }),
    ...(providerId === undefined ? {} : { provider: providerId }),
    ...(status === 'active' ? {} : { status }),
    ...(olderThanS === undefined ? {} : { age: String(olderThanS) }),
  };
}
