import { join } from 'node:path';
import { usage } from '../failure.js';
import { readPrivate, writePrivate } from './private-file.js';

/** What `wl config set` keeps. */
export interface Settings {
  /** The broker's address. */
  api?: string;
  /** The image of orders that name none. */
  image?: string;
  /** The public SSH key of orders, as a path or as the name of a stored key. */
  key?: string;
  /** For how many hours to rent, if the order does not say. */
  hours?: number;
  /** An order that may cost more asks first, in token units. */
  confirm_above?: number;
  /** The node of the chain that the commands of a vault ask. */
  rpc?: string;
  /** Whether `ssh wl-NAME` is set up by an Include in the SSH configuration: `yes`, `no`, or not asked yet. */
  ssh_config?: 'yes' | 'no';
}

export type SettingName = keyof Settings;

interface Setting {
  text: string;
  /** @returns undefined for a value that is not acceptable. */
  read: (text: string) => string | number | undefined;
  expects: string;
}

const anything = (text: string) => (text.trim() === '' ? undefined : text.trim());
const amount = (text: string) => (/^\d{1,12}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined);

export const settings: Readonly<Record<SettingName, Setting>> = {
  api: { text: "the broker's address", read: readApi, expects: 'an address such as https://broker.example.com' },
  image: { text: 'the image of orders that name none', read: anything, expects: 'the name of an image' },
  key: {
    text: 'the SSH key of orders: a file, or the name of a stored key',
    read: anything,
    expects: 'a file or a name',
  },
  hours: {
    text: 'for how many hours to rent, if the order does not say',
    read: (text) => ((amount(text) ?? 0) > 0 ? amount(text) : undefined),
    expects: 'a number of hours',
  },
  confirm_above: {
    text: 'an order that may cost more asks first (tokens; 10)',
    read: amount,
    expects: 'a number of tokens',
  },
  rpc: {
    text: 'the node of the chain, for deposits and withdrawals',
    read: nodeAddress,
    expects: 'https://…, or http:// for a node on this computer',
  },
  ssh_config: {
    text: 'whether ssh wl-NAME works: an Include in ~/.ssh/config',
    read: (text) => (text === 'yes' || text === 'no' ? text : undefined),
    expects: 'yes or no',
  },
};

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settings, name);
}

/** The address of a broker without a final slash; also for one that was copied with `/api/v1`. */
export function readApi(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/api\/v1$/, '');
}

/** The address of a chain's node. On the way to another computer nobody may change what it says. */
export function nodeAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isHere = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isHere)) return undefined;
  // Requests cannot be made with a name and a password in the address.
  return url.username === '' && url.password === '' ? url.href : undefined;
}

export interface ConfigFile {
  path: string;
  read(): Settings;
  /** Undefined takes a setting away. */
  change(changes: { [Name in SettingName]?: Settings[Name] | undefined }): void;
}

export function configFile(folder: string): ConfigFile {
  const path = join(folder, 'config.json');
  const read = (): Settings => {
    const text = readPrivate(path);
    if (text === undefined) return {};
    return checked(text, path);
  };
  return {
    path,
    read,
    change(changes) {
      const kept = Object.entries({ ...read(), ...changes }).filter(([, value]) => value !== undefined);
      writePrivate(path, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
    },
  };
}

function checked(text: string, path: string): Settings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw usage(`${path} is not JSON`, 'mend it, or delete it and set it again with wl config set');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usage(`${path} is not a JSON object`);
  const found: Record<string, unknown> = {};
  for (const [name, set] of Object.entries(value as Record<string, unknown>)) {
    // A newer version may have written more.
    if (!isSettingName(name)) continue;
    const read = settings[name].read(String(set));
    if (read === undefined)
      throw usage(`${path}: "${name}" must be ${settings[name].expects}`, `wl config set ${name} …`);
    found[name] = read;
  }
  return found;
}
