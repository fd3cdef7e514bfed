/** A page in the navigation. */
export interface Entry {
  address: string;
  title: string;
}

/** The groups of the navigation, by what a reader came for; a page that stands in none of them comes under the last. */
const groups: [string, string[]][] = [
  ['Begin', ['/docs/quickstart']],
  ['Rent', ['/docs/console', '/docs/cli', '/docs/commands', '/docs/client', '/docs/market', '/docs/events']],
  ['Pay', ['/docs/money', '/docs/chain']],
  ['The API', ['/docs/api', '/docs/reference/', '/docs/errors/']],
  ['Rent out', ['/docs/provider', '/docs/owners']],
  [
    'Operate',
    [
      ...[
        '/docs/deploy',
        '/docs/configuration',
        '/docs/operate',
        '/docs/operators',
        '/docs/security',
        '/docs/reporting',
      ],
      ...['/docs/changelog', '/docs/releases'],
    ],
  ],
  ['Understand', ['/docs/readme', '/docs/architecture', '/docs/glossary', '/docs/decisions/', '/docs/benchmarks']],
  ['More', []],
];

/** All pages of the navigation, in their groups. Pages of a list (errors, decisions, reference) are left to its index. */
export function grouped(pages: readonly Entry[]): { name: string; entries: Entry[] }[] {
  const named = new Set(groups.flatMap(([, addresses]) => addresses));
  const byAddress = new Map(pages.map((page) => [page.address, page]));
  const others = pages.filter(({ address }) => !named.has(address) && /^\/docs\/[\w-]+$/.test(address));
  return groups
    .map(([name, addresses], at) => ({
      name,
      entries: [
        ...addresses.flatMap((address) => byAddress.get(address) ?? []),
        ...(at === groups.length - 1 ? others : []),
      ],
    }))
    .filter(({ entries }) => entries.length > 0);
}
