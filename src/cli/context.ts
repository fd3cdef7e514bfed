import { join } from 'node:path';
import type { WorldLand as Client } from '../client/index.js';
import type { Site } from '../client/shapes.js';
import { exitCodes, Failure, usage } from './failure.js';
import { configFile, readApi, type ConfigFile, type Settings } from './files/config.js';
import { readPrivate } from './files/private-file.js';
import { configFolder, sshFolder, type SshFolder } from './files/folder.js';
import { money, type Money } from '../words/money.js';
import { createScreen, type Screen } from './terminal/screen.js';
import type { Global } from './global.js';
import { ownVersion } from './version.js';

type Env = Record<string, string | undefined>;

/** What a command needs, made when it is first asked for. */
export interface Context {
  env: Env;
  global: Global;
  screen: Screen;
  config: ConfigFile;
  settings: Settings;
  /** The folder of our own files. */
  folder: string;
  ssh: SshFolder;
  /** For times as people read them. */
  time(): { nowMs: number; isUtc: boolean };
  /** The broker's address. @throws Failure if there is none. */
  api(): string;
  client(options?: { audience?: string | undefined }): Promise<Client>;
  site(): Promise<Site>;
  money(): Promise<Money>;
}

export function createContext(env: Env, global: Global): Context {
  const { stdout, stderr, stdin } = process;
  const screen = createScreen({
    ...{ stdout, stderr, stdin, env },
    isColourForbidden: !global.color,
    isQuiet: global.quiet === true,
  });
  const folder = configFolder(env);
  const config = configFile(folder);
  let settings: Settings | undefined;
  let client: Client | undefined;
  let site: Promise<Site> | undefined;
  const context: Context = {
    ...{ env, global, screen, config, folder },
    get settings() {
      return (settings ??= config.read());
    },
    ssh: sshFolder(env),
    time: () => ({ nowMs: Date.now(), isUtc: global.utc === true }),
    api() {
      const given = [
        ['--api', global.api],
        ['WORLDLAND_API', env['WORLDLAND_API']],
        ['BROKER_API', env['BROKER_API']],
      ] as const;
      const found = given.find(([, value]) => value !== undefined && value !== '');
      const api = found === undefined ? context.settings.api : readApi(found[1]!);
      if (api !== undefined) return api;
      if (found === undefined)
        throw usage('which broker?', 'wl config set api https://…   (or --api, or WORLDLAND_API)');
      throw usage(
        `${found[0]}: "${found[1]!}" is no address of a broker`,
        'give one such as https://broker.example.com',
      );
    },
    async client({ audience } = {}) {
      if (client !== undefined) return client;
      const api = context.api();
      const [{ connect }, { fileStore }] = await Promise.all([
        import('../client/index.js'),
        import('../client/node.js'),
      ]);
      const credentials = join(folder, 'credentials.json');
      // The client would refuse the file, too; here it is a mistake with its remedy.
      readPrivate(credentials);
      const token = env['WORLDLAND_TOKEN'] ?? '';
      client = connect({
        ...{ api, store: fileStore(credentials), userAgent: `wl/${ownVersion()}` },
        ...(token === '' ? {} : { token }),
        ...(audience === undefined ? {} : { audience }),
      });
      return client;
    },
    site: async () =>
      await (site ??= context.client().then(async (connected) => asBroker(await connected.site(), context.api()))),
    money: async () => money((await context.site()).token),
  };
  return context;
}

/** Anything that answers JSON could stand at the address. */
function asBroker(site: Site, api: string): Site {
  const { token, auth, jobs } = (site ?? {}) as Partial<Site>;
  if (typeof token?.decimals === 'number' && auth !== undefined && jobs?.defaults !== undefined) return site;
  throw new Failure(
    exitCodes.unreachable,
    `${api} does not answer as a broker of this version does`,
    'wl config set api URL',
  );
}
