/** A registry's demand for a login, from its header `WWW-Authenticate`. */
export type Challenge = { scheme: 'basic' } | { scheme: 'bearer'; realm: URL; service?: string };

const maxLength = 4_096;
/** One `name="value"` or `name=value`, as RFC 9110 has it. */
const parameter = /([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

/** Reads the first challenge that is understood; undefined if there is none. */
export function readChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined || header.length > maxLength) return undefined;
  const [, scheme, rest = ''] = /^\s*(basic|bearer)(?:\s+(.*))?$/i.exec(header) ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === 'basic') return { scheme: 'basic' };
  const values = new Map(
    [...rest.matchAll(parameter)].map(([, name = '', quoted, bare]) => [
      name.toLowerCase(),
      quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '',
    ]),
  );
  const realm = values.get('realm');
  if (realm === undefined || !URL.canParse(realm)) return undefined;
  const service = values.get('service');
  return { scheme: 'bearer', realm: new URL(realm), ...(service === undefined ? {} : { service }) };
}
