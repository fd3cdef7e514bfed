/**
 * Domains that no public registry uses: those of machines, homes, companies and clusters, and those reserved for tests.
 */
const insideNames = [
  'alt',
  'arpa',
  'belkin',
  'cluster',
  'corp',
  'dhcp',
  'domain',
  'example',
  'fritz.box',
  'home',
  'in-addr',
  'intern',
  'internal',
  'intra',
  'intranet',
  'invalid',
  'kubernetes',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'private',
  'router',
  'svc',
  'test',
  'workgroup',
];

/**
 * Why images are not pulled from this registry unless the site lists it; undefined for a public host. A pull runs
 * inside a provider's network and could reach private machines there. So the registry must have a public name and must
 * not be an address, in any notation. The name is resolved on the provider's machine only.
 */
export function registryRefusal(registry: string): string | undefined {
  if (registry.includes(':')) return 'names a port: registries of the internet answer at the usual one';
  const labels = registry.split('.');
  const top = labels.at(-1)!;
  if (labels.length < 2) return 'is a name without a dot, which only some network knows';
  // 127.1, 0x7f.0x1, 017700000001.1: a host that ends in a number is parsed as an IPv4 address.
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(top)) return 'is an address: name the registry';
  // Punycode hides which letters the name has.
  if (labels.some((label) => label.startsWith('xn--'))) return 'is a name in other letters than a to z';
  if (insideNames.some((name) => registry === name || registry.endsWith(`.${name}`))) {
    return 'is a name that only some network knows';
  }
  if (leadsToAnAddress(labels)) return 'spells out an address: name the registry';
  return undefined;
}

/** DNS services that resolve a name to the address in it, such as 10.0.0.1.nip.io or 0a000001.sslip.io. */
const wildcards: ReadonlySet<string> = new Set([
  'nip.io',
  'sslip.io',
  'xip.io',
  'traefik.me',
  'localtest.me',
  'lvh.me',
  'vcap.me',
  'lacolhost.com',
  'backname.io',
  '1u.ms',
  'rbndr.us',
]);

function leadsToAnAddress(labels: readonly string[]): boolean {
  if (wildcards.has(labels.slice(-2).join('.'))) return true;
  // Four numbers in a row, as in 10.0.0.1.example.com or 10-0-0-1.example.com.
  return /(?:^|[.-])(?:\d{1,3}[.-]){3}\d{1,3}(?:[.-]|$)/.test(labels.join('.'));
}
