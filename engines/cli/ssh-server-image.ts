import { writeFileSync } from 'node:fs';
import { sshServerImage } from '../images/ssh-server.js';
import { architectures, ownArchitecture, type Architecture } from '../tools/ssh-server.js';
import { argumentsOf } from './arguments.js';

const usage = `Usage: npm run ssh-server:image -- --out FILE.tar [options]

Builds the image of the SSH server that runs in a job's pod, without Docker and without a registry. Load it with
\`docker load\`, \`podman load\` or \`ctr -n k8s.io images import\`. To publish it, build ssh-server/Dockerfile.

  --out FILE.tar    where to write the archive
  --name NAME       registry/repository:tag (default: SSH_SERVER_IMAGE, else ghcr.io/worldland/ssh-server:1)
  --arch ARCH       ${architectures.join(', ')} (default: this machine's)
  --help            show this text
`;

try {
  await main();
} catch (error) {
  console.error(`✗ ${(error as Error).message}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = argumentsOf(usage, { options: { out: text, name: text, arch: text } });
  const { out, arch = ownArchitecture() } = values;
  if (out === undefined) throw new Error('--out FILE.tar is required');
  if (!architectures.includes(arch as Architecture))
    throw new Error(`--arch must be one of ${architectures.join(', ')}`);
  const name = values.name ?? (process.env['SSH_SERVER_IMAGE'] || 'ghcr.io/worldland/ssh-server:1');
  const { archive, imageId } = await sshServerImage(name, console.log, arch as Architecture);
  writeFileSync(out, archive);
  console.log(`${out}: ${name} for linux/${arch}, ${(archive.length / 2 ** 20).toFixed(1)} MiB, image id ${imageId}`);
}
