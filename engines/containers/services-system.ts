import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.js';
import { packageRoot } from '../paths.js';
import { findTemporalServer } from '../tools/temporal-server.js';
import { findTemporal } from '../tools/temporal.js';
import { versionText } from '../tools/tool.js';
import { systemArchive } from './system-archive.js';

/** One system with Postgres, Redis and all of Temporal: the stand-ins differ in what they start. */
export async function servicesSystem(log: Log, env: NodeJS.ProcessEnv): Promise<string> {
  const temporal = await findTemporalServer(log, env);
  const cli = await findTemporal(log, env);
  const script = (name: string) => readFileSync(join(packageRoot, 'engines/containers/stand-ins', name), 'utf8');
  return await systemArchive(
    {
      name: 'services',
      // The first release with Postgres 17.
      suite: 'trixie',
      packages: ['postgresql-17', 'redis-server', 'redis-tools', 'netcat-openbsd'],
      accounts: [
        'postgres:x:999:999::/var/lib/postgresql:/bin/sh',
        'redis:x:998:998::/data:/bin/sh',
        'temporal:x:1000:1000::/home/temporal:/bin/sh',
      ],
      copies: {
        'usr/local/bin/temporal-server': temporal.server.path,
        'usr/local/bin/temporal-sql-tool': temporal.sqlTool.path,
        'usr/local/bin/temporal-ui-server': temporal.ui.path,
        'usr/local/bin/temporal': cli.path,
      },
      texts: {
        'usr/local/bin/docker-entrypoint.sh': script('docker-entrypoint.sh'),
        'usr/local/bin/temporal-server.sh': script('temporal-server.sh'),
        'etc/temporal/config/docker.yaml': temporal.serverConfiguration,
        'home/ui-server/config/docker.yaml': temporal.uiConfiguration,
      },
      // As Debian's alternatives would.
      links: { 'usr/bin/nc': 'nc.openbsd' },
      versions: [temporal.server.path, temporal.ui.path, await versionText(cli)],
    },
    log,
    env,
  );
}
