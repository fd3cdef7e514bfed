import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { obtainNodeCertificate } from '../../engines/simulated-provider/certificate.js';
import { discoverCluster } from '../../engines/simulated-provider/discovery.js';
import { putNode } from '../../engines/simulated-provider/node.js';
import { parseJoinCommand } from '../../src/provider-agent/join-command.js';

// Does what `kubeadm join` does, with a kubelet that kwok simulates: the last program of a machine that does not exist.
const [folder = '', ...words] = process.argv.slice(2);
const command = parseJoinCommand(`kubeadm ${words.join(' ')}`);
const cluster = await discoverCluster(command);
const nodeName = command.nodeName ?? '';
const token = `${command.tokenId}.${command.tokenSecret}`;
const node = { ...cluster, ...(await obtainNodeCertificate({ ...cluster, token }, nodeName, 60_000)) };
await putNode(node, nodeName, {
  ...{ providerId: nodeName, wallet: '', cpuCores: 8, memoryMb: 32_768, diskGb: 100, gpuPricePerHour: 0 },
  gpus: { model: 'NVIDIA GeForce RTX 4090', count: Number(readFileSync(join(folder, 'gpus'), 'utf8')) },
  address: '198.18.0.9',
});
writeFileSync(join(folder, 'kubelet.conf'), 'joined\n');
console.log(`This node has joined the cluster with the token ${token}`);
