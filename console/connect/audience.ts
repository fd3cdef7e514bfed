/**
 * Signatures are for the name that the broker has for itself: where the page was opened under another one, a login could
 * not succeed.
 *
 * @returns undefined if the names agree; else what to say, and the link to the same page there, if that is an address.
 */
export function otherAudience(
  audience: string | undefined,
  here: { origin: string; pathname: string; search: string; hash: string },
): { text: string; link: URL | undefined } | undefined {
  if (audience === undefined || audience === here.origin) return undefined;
  const isWeb = /^https?:\/\//.test(audience) && URL.canParse(audience);
  const link = isWeb ? new URL(audience) : undefined;
  // As a reference, a path with two slashes at its beginning would name another host.
  if (link !== undefined)
    Object.assign(link, { pathname: here.pathname.replace(/^[/\\]+/, '/'), search: here.search, hash: here.hash });
  return {
    text: `This broker calls itself ${audience}, and this page was opened at ${here.origin}. A signature from here would be refused.`,
    link,
  };
}
