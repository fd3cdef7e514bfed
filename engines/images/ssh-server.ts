import { readFileSync } from 'node:fs';
import type { Log } from '../log.js';
import { findSshServer, ownArchitecture, type Architecture } from '../tools/ssh-server.js';
import { dockerArchive } from './docker-archive.js';

/** The image whose program every job's init container copies: that program and nothing else. */
export async function sshServerImage(
  name: string,
  log: Log,
  architecture: Architecture = ownArchitecture(),
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ archive: Buffer; imageId: string }> {
  const { path } = await findSshServer(log, architecture, env);
  return dockerArchive({
    name,
    architecture,
    entries: [{ path: 'sshd', content: readFileSync(path), mode: 0o755 }],
    entrypoint: ['/sshd'],
  });
}
