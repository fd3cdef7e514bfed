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
  return {
    text: `This broker calls itself ${audience}, and this page was opened at ${here.origin}. A signature from here would be refused.`,
    link: isWeb ? new URL(`${here.pathname}${here.search}${here.hash}`, audience) : undefined,
  };
}
