/** By the name of a registry as it stands in images, the origin that is asked instead. */
export type RegistryMirrors = ReadonlyMap<string, string>;

/** Reads entries such as `docker.io=https://mirror.example.com`. */
export function readMirrors(entries: readonly string[]): { mirrors: RegistryMirrors; problems: string[] } {
  const mirrors = new Map<string, string>();
  const problems: string[] = [];
  for (const entry of entries) {
    const [, registry, url = ''] = /^([^=\s/]+)=(https?:\/\/[^\s/?#@]+)\/?$/.exec(entry) ?? [];
    if (registry === undefined || !URL.canParse(url))
      problems.push('must be entries such as docker.io=https://mirror.example.com, separated by commas');
    else mirrors.set(registry, url);
  }
  return { mirrors, problems: problems.slice(0, 1) };
}
