import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** A file as it is sent. */
export interface StaticFile {
  type: string;
  cacheControl: string;
  contentSecurityPolicy: string;
  /** Without quotes; each encoding has one of its own. */
  etag: string;
  bodies: { identity: Buffer; br?: Buffer; gzip?: Buffer };
}

/** The files of the documentation and of the console, by the path of their address. */
export interface StaticPages {
  /** Below `/console/`, whatever looks like no file is an address of the console, which has one document for all. */
  at(path: string): StaticFile | undefined;
  /** The page that says that there is none at this path. */
  missingAt(path: string): StaticFile | undefined;
}

/** The documentation runs no scripts. */
const documentPolicy =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** The console runs its own files, and the icons of wallets are data. */
const consolePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** The console's document for the addresses so many levels below `/console/`: what it names is relative to them. */
const consoleDocument = /^console\/app\.(\d)\.html$/;
/** A name with a hash of the content never gets another content. */
const hashedName = /-[0-9a-f]{12}\.\w+$/;
/** Pages change with the version of the broker; their `ETag` makes asking again cheap. */
const pageCache = 'public, max-age=300, must-revalidate';
const hashedCache = 'public, max-age=31536000, immutable';
/** What asks wallets to sign is asked for again each time: an old one might not know what the broker does. */
const consoleCache = 'no-cache';

/**
 * Reads the files that `npm run build` made, with their compressed forms, once. Only what was read can be asked for, so
 * no path of a request reaches the file system.
 *
 * @throws Error if the folder is missing.
 */
export function readStaticPages(folder: string): StaticPages {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => extname(name) in types);
  const all = new Set(readdirSync(folder, { recursive: true, encoding: 'utf8' }));
  const files = new Map<string, StaticFile>();
  const missing = new Map<string, StaticFile>();
  const consoleByDepth: StaticFile[] = [];
  for (const name of names) {
    const read = (suffix: string) => (all.has(name + suffix) ? readFileSync(join(folder, name + suffix)) : undefined);
    const file = fileOf(name, read('')!, { br: read('.br'), gzip: read('.gz') });
    const depth = consoleDocument.exec(name)?.[1];
    if (depth !== undefined) consoleByDepth[Number(depth)] = file;
    else if (name.endsWith('404.html')) missing.set(`/${name.slice(0, -'404.html'.length)}`, file);
    else files.set(addressOf(name), file);
  }
  return {
    at: (path) => files.get(path) ?? consoleByDepth[depthInConsole(path)],
    missingAt: (path) => missing.get(path.slice(0, path.lastIndexOf('/') + 1)),
  };
}

/** How far an address of the console is below `/console/`; -1 for any other path. */
function depthInConsole(path: string): number {
  const below = /^\/console\/([^.]+)$/.exec(path)?.[1];
  return below === undefined ? -1 : below.split('/').length - 1;
}

function fileOf(
  name: string,
  identity: Buffer,
  compressed: { br: Buffer | undefined; gzip: Buffer | undefined },
): StaticFile {
  const isConsole = name.startsWith('console/');
  const page = isConsole ? consoleCache : pageCache;
  return {
    type: types[extname(name)]!,
    cacheControl: hashedName.test(name) ? hashedCache : page,
    contentSecurityPolicy: isConsole ? consolePolicy : documentPolicy,
    etag: createHash('sha256').update(identity).digest('base64url').slice(0, 22),
    bodies: {
      identity,
      ...(compressed.br === undefined ? {} : { br: compressed.br }),
      ...(compressed.gzip === undefined ? {} : { gzip: compressed.gzip }),
    },
  };
}

/** `docs/api.html` is at `/docs/api`, `docs/index.html` at `/docs/`. */
function addressOf(name: string): string {
  return `/${name.replace(/(?:^|(?<=\/))index\.html$/, '').replace(/\.html$/, '')}`;
}
