import { BlockList, connect, isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { reasonOf } from '../say.js';
import { failure, looked, unseen, warning, type Check, type Problem } from './finding.js';
import { isThere, quoted, shown, textOf, Unseen, type Host } from './host.js';
import { customersPorts } from './leftovers.js';

const notPublic = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['fc00::', 7],
  ['fe80::', 10],
  ['::1', 128],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv6');

/** Whether only the network of a machine knows an address. */
export function isBehindRouter(address: string): boolean {
  return isIP(address) !== 0 && notPublic.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

export const address: Check = {
  name: 'address',
  look(_, { machine: { privateIp, publicIp } }) {
    if (publicIp !== undefined)
      return looked(
        `${shown(publicIp)}, as you say`,
        isBehindRouter(publicIp) &&
          warning(`--public-ip ${shown(publicIp)} is an address of a private network: nobody outside of it gets here`),
      );
    if (privateIp === '')
      return looked('', failure('this machine has no address that leads to others', 'ip route show default'));
    return looked(
      privateIp,
      isBehindRouter(privateIp) &&
        warning(
          `${privateIp} is an address of a private network: customers outside of it cannot log in. Forward TCP ` +
            `${customersPorts.from}-${customersPorts.to} on the router, and name its address:`,
          'provider-agent run --public-ip ADDRESS …',
        ),
    );
  },
};

/** Nothing here can tell what others reach, and nothing pretends to. */
export const reachable: Check = {
  name: 'from outside',
  look(host, { machine: { publicIp, privateIp } }) {
    const to = publicIp ?? (privateIp === '' ? 'ADDRESS' : privateIp);
    const fence = firewall(host);
    return looked(
      '',
      unseen(
        `whether others reach TCP ${customersPorts.from}-${customersPorts.to} was not tried: neither this machine nor the ` +
          'broker can. While a job runs, try its port from another network:',
        `nc -vz ${shown(to)} PORT`,
      ),
      fence !== undefined &&
        warning(`${fence.name} is on: let customers and the network plugin of the cluster in`, fence.mend),
    );
  },
};

function firewall(host: Host): { name: string; mend: string } | undefined {
  const { from, to } = customersPorts;
  try {
    if (/^ENABLED=yes\s*$/im.test(textOf(host, '/etc/ufw/ufw.conf') ?? ''))
      return { name: 'ufw', mend: `ufw allow ${from}:${to}/tcp` };
    if (isThere(host, '/run/firewalld'))
      return {
        name: 'firewalld',
        mend: `firewall-cmd --permanent --add-port=${from}-${to}/tcp && firewall-cmd --reload`,
      };
  } catch (error) {
    if (!(error instanceof Unseen)) throw error;
  }
  return undefined;
}

const answerTimeoutMs = 5_000;
/** A smaller difference harms nobody; with a larger one certificates are not valid yet, or no more. */
const [worthSayingS, harmfulS] = [30, 300] as const;

/** One request for two answers: whether the broker is reached from here, and what time it has. */
export const broker: Check = {
  name: 'broker',
  async look(_, { broker: url }) {
    if (url === undefined)
      return looked(
        '',
        unseen('not asked, and the clock not compared: no --broker is given', 'provider-agent doctor --broker URL'),
      );
    const askedAt = performance.now();
    let response: Response;
    try {
      response = await fetch(`${url}/health`, { redirect: 'error', signal: AbortSignal.timeout(answerTimeoutMs) });
      await response.body?.cancel();
    } catch (error) {
      return looked(
        '',
        failure(`${shown(url)} does not answer here: ${shown(reasonOf(error))}`, `curl -v ${quoted(`${url}/health`)}`),
      );
    }
    const tookMs = performance.now() - askedAt;
    return looked(
      `answers this machine in ${Math.round(tookMs)} ms`,
      response.status >= 500 &&
        warning(`${shown(url)} answers ${response.status}: the broker has trouble, not this machine`),
      clockProblem(response.headers.get('date'), tookMs),
    );
  },
};

function clockProblem(date: string | null, tookMs: number): Problem | undefined {
  const theirMs = Date.parse(date ?? '');
  if (!Number.isFinite(theirMs)) return unseen('the broker does not tell its time, so the clock was not compared');
  // The header has whole seconds: half a second is the best guess at the rest.
  const offS = Math.round((Date.now() - tookMs / 2 - theirMs - 500) / 1_000);
  if (Math.abs(offS) < worthSayingS) return undefined;
  const text = `this clock is ${Math.abs(offS)} s ${offS > 0 ? 'ahead of' : 'behind'} the broker's`;
  const mend = 'timedatectl set-ntp true';
  return Math.abs(offS) < harmfulS
    ? warning(text, mend)
    : failure(`${text}: certificates of the cluster are not valid for it`, mend);
}

/** After the join, the way to the API server is the one that the kubelet lives on. */
export const apiServer: Check = {
  name: 'api server',
  async look(host, { hasJoined }) {
    if (!hasJoined) return undefined;
    const server = /^\s*server:\s*"?https:\/\/(\[[0-9a-f:]+\]|[\w.-]+):(\d{1,5})/m.exec(
      textOf(host, '/etc/kubernetes/kubelet.conf') ?? '',
    );
    if (server === null) return looked('', unseen('/etc/kubernetes/kubelet.conf names no server'));
    const [name, port] = [server[1]!.replace(/^\[|\]$/g, ''), Number(server[2])];
    const problem = await connectionProblem(name, port);
    return looked(
      `${shown(name)}:${port} is reached from this machine`,
      problem !== undefined &&
        failure(
          `${shown(name)}:${port} is not reached from this machine: ${shown(problem)}`,
          `nc -vz ${shown(name)} ${port}`,
        ),
    );
  },
};

async function connectionProblem(host: string, port: number): Promise<string | undefined> {
  return await new Promise((resolve) => {
    if (port < 1 || port > 65_535) return resolve('there is no such port');
    const socket = connect({ host, port, timeout: answerTimeoutMs });
    const end = (problem?: string) => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end('no answer in time'));
    socket.once('error', (error) => end(error.message));
  });
}

export const user: Check = {
  name: 'user',
  look({ isRoot }) {
    return looked(
      'root',
      !isRoot &&
        warning('not root: some of this could not be seen, and only root can join', 'sudo provider-agent doctor'),
    );
  },
};
