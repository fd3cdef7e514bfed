import { lookup as systemLookup, promises as dns } from 'node:dns';
import { isIPv4, type LookupFunction } from 'node:net';
import { isClosed } from '../closed-addresses.js';
import { NoAnswer } from './outcome.js';

/** How long one name server may take, and how often it is asked. */
const resolver = new dns.Resolver({ timeout: 1_000, tries: 2 });

/**
 * Looks names up for connections to hosts that strangers name. What it finds is what is connected to, so that a name
 * server cannot say one thing to the check and another to the connection. It does not use the system's resolver, whose
 * few threads a name server that does not answer would hold.
 */
export const openLookup: LookupFunction = (hostname, options, callback) => {
  void addressesOf(hostname).then(
    (addresses) => {
      if (options.all === true) callback(null, addresses);
      else callback(null, addresses[0]!.address, addresses[0]!.family);
    },
    (error: unknown) => callback(error as NodeJS.ErrnoException, []),
  );
};

/** For hosts that the operator named: they may be anywhere, and known to this machine only. */
export const anyLookup: LookupFunction = systemLookup;

async function addressesOf(hostname: string): Promise<{ address: string; family: number }[]> {
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0) throw new NoAnswer('unreachable', `no address is known of ${hostname}`);
  const open = found.filter((address) => !isClosed(address));
  if (open.length === 0) throw new NoAnswer('closed', `${hostname} is at a closed address`);
  return open.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
}
