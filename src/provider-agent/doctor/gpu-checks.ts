import { tomlFlag } from '../prerequisites.js';
import { containerdSettings } from './containerd.js';
import { failure, looked, unseen, warning, type Check, type Problem } from './finding.js';
import { installing, newInitramfs } from './mends.js';
import { namesIn, shown, textOf, type Host } from './host.js';

const nvidia = '0x10de';

/** NVIDIA's driver, and whether it answers for every card. */
export const driver: Check = {
  name: 'driver',
  look(host, { reading, machine: { gpus } }) {
    const loaded = textOf(host, '/proc/modules') ?? '';
    const running = /NVIDIA UNIX.*?Kernel Module\D*?\s(\d+(?:\.\d+)+)/.exec(
      textOf(host, '/proc/driver/nvidia/version') ?? '',
    )?.[1];
    const cards = nvidiaCards(host);
    const problems: Problem[] = [];
    if (!reading.hasDriver) {
      if (cards === 0) return looked('no GPU of NVIDIA, and no driver: this machine offers processors only');
      problems.push(
        failure(
          `${cards} GPUs of NVIDIA, and nvidia-smi is not in PATH`,
          host.installed('ubuntu-drivers') ? 'ubuntu-drivers install' : installing(host, 'nvidia-driver'),
        ),
      );
    }
    if (/^nouveau /m.test(loaded))
      problems.push(
        failure(
          'the module nouveau has taken the cards, so that no other driver can',
          String.raw`printf 'blacklist nouveau\noptions nouveau modeset=0\n' >/etc/modprobe.d/nouveau.conf && ${newInitramfs(host)} && reboot`,
        ),
      );
    const installed = gpus[0]?.driverVersion;
    const isMixed = running !== undefined && installed !== undefined && installed !== '' && installed !== running;
    if (isMixed || reading.problems.some((text) => /version mismatch/i.test(text)))
      problems.push(
        failure("the driver's module and its library are of two versions: an update waits for a restart", 'reboot'),
      );
    for (const text of reading.problems.slice(0, 16))
      problems.push(failure(`nvidia-smi says: ${shown(text)}`, 'dmesg | grep -i -e nvrm -e xid | tail'));
    if (reading.hasDriver && !reading.failed && cards > 0 && gpus.length === 0 && reading.problems.length === 0)
      problems.push(failure(`${cards} GPUs of NVIDIA, and nvidia-smi lists none`, 'dmesg | grep -i nvrm | tail'));
    const name = installed === undefined || installed === '' ? 'answers' : shown(installed, 30);
    return looked(`${name}, ${gpus.length} usable GPUs`, ...problems);
  },
};

/** Display controllers of NVIDIA on the bus, whether a driver knows them or not. */
function nvidiaCards(host: Host): number {
  const devices = '/sys/bus/pci/devices';
  return namesIn(host, devices).filter(
    (name) =>
      textOf(host, `${devices}/${name}/vendor`)?.trim() === nvidia &&
      textOf(host, `${devices}/${name}/class`)?.startsWith('0x03') === true,
  ).length;
}

/** Older ones pass variables of an image, such as `LD_PRELOAD`, to programs that run as root on the machine. */
const leastToolkit = [1, 17, 8] as const;

export const toolkit: Check = {
  name: 'toolkit',
  async look(host, { machine: { gpus } }) {
    if (gpus.length === 0) return undefined;
    if (!host.installed('nvidia-container-runtime'))
      return looked(
        '',
        failure(
          'nvidia-container-runtime is not in PATH: containers get no GPU',
          `${installing(host, 'nvidia-container-toolkit')}   # from the repository of NVIDIA`,
        ),
      );
    const said = await host.run('nvidia-ctk', ['--version']);
    const version = /version v?(\d+)\.(\d+)\.(\d+)/i
      .exec(said?.stdout ?? '')
      ?.slice(1, 4)
      .map(Number);
    const problems: Problem[] = [];
    if (version === undefined)
      problems.push(unseen('nvidia-ctk does not tell its version, which must be 1.17.8 or newer'));
    else if (isOlder(version, leastToolkit))
      problems.push(
        failure(
          `${version.join('.')}, older than 1.17.8: a customer's image can run programs as root on this machine`,
          `${installing(host, 'nvidia-container-toolkit')}   # after its repository was read anew`,
        ),
      );
    const { values } = containerdSettings(host);
    if (![...values.keys()].some((key) => /\.containerd\.runtimes\.nvidia(?:-cdi)?\./.test(key)))
      problems.push(
        failure(
          'containerd does not know the runtime nvidia: containers get no GPU',
          'nvidia-ctk runtime configure --runtime=containerd && systemctl restart containerd',
        ),
      );
    return looked(version === undefined ? 'installed' : version.join('.'), ...problems, ...rentedOnly(host));
  },
};

/** Without these two settings a container can use GPUs that another customer has rented. */
function rentedOnly(host: Host): Problem[] {
  const text = textOf(host, '/etc/nvidia-container-runtime/config.toml') ?? '';
  const settings = [
    ['accept-nvidia-visible-devices-envvar-when-unprivileged', false],
    ['accept-nvidia-visible-devices-as-volume-mounts', true],
  ] as const;
  return settings
    .filter(([name, value]) => tomlFlag(text, name) !== value)
    .map(([name, value]) =>
      failure(
        `${name} is not ${value}: a container can use GPUs that another customer has rented`,
        `nvidia-ctk config --in-place --set ${name}=${value}`,
      ),
    );
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  const at = than.findIndex((part, index) => part !== (version[index] ?? 0));
  return at >= 0 && (version[at] ?? 0) < than[at]!;
}

/** A driver keeps some megabytes for itself; a customer pays for all the rest. */
const [unnoticedMb, muchShare] = [1_024, 0.1] as const;

/** Memory that something of the owner holds is missing to a customer, whose program then fails. */
export const gpuMemory: Check = {
  name: 'gpu memory',
  async look(host, { machine: { gpus } }) {
    if (gpus.length === 0) return undefined;
    if (namesIn(host, '/var/log/pods').some((name) => name.startsWith('tenant-')))
      return looked('', unseen('jobs run here now, so that other programs cannot be told apart: ask again later'));
    const usage = await host.run('nvidia-smi', [
      '--query-gpu=index,memory.total,memory.used',
      '--format=csv,noheader,nounits',
    ]);
    const read = (usage?.stdout ?? '')
      .split('\n')
      .map((line) =>
        /^\s*(\d{1,4})\s*,\s*(\d{1,9})(?: MiB)?\s*,\s*(\d{1,9})(?: MiB)?\s*$/.exec(line)?.slice(1).map(Number),
      );
    const cards = read.filter((found) => found !== undefined);
    if (cards.length === 0) return looked('', unseen('nvidia-smi does not tell how much memory is in use'));
    const programs = await programsOn(host);
    const problems = cards.flatMap(([index, total, used]) => {
      if (used! <= unnoticedMb) return [];
      const text = `GPU ${index}: ${used} of ${total} MB are in use${programs === '' ? '' : `, among others by ${programs}`}`;
      const say = used! > total! * muchShare ? failure : warning;
      return [
        say(`${text}; a customer gets the rest only`, 'nvidia-smi   # shows the programs; end them, also a desktop'),
      ];
    });
    return looked('free', ...problems);
  },
};

async function programsOn(host: Host): Promise<string> {
  const asked = await host.run('nvidia-smi', ['--query-compute-apps=process_name', '--format=csv,noheader']);
  if (asked?.code !== 0) return '';
  const names = asked.stdout
    .split('\n')
    .map((line) => line.trim().split('/').at(-1)!)
    .filter((name) => name !== '' && !name.startsWith('['));
  return [...new Set(names)]
    .slice(0, 3)
    .map((name) => shown(name, 40))
    .join(', ');
}

/** The cluster starts the plugin as a pod some time after the join. */
export const devicePlugin: Check = {
  name: 'device plugin',
  look(host, { hasJoined, machine: { gpus } }) {
    if (!hasJoined || gpus.length === 0) return undefined;
    const sockets = namesIn(host, '/var/lib/kubelet/device-plugins');
    return looked(
      'runs',
      !sockets.some((name) => /nvidia.*\.sock$/.test(name)) &&
        failure(
          'the NVIDIA device plugin does not run (yet): the cluster does not see the GPUs of this machine',
          'crictl pods --name nvidia-device-plugin',
        ),
    );
  },
};

export const singleProcess: Check = {
  name: 'memory kills',
  look(host, { hasJoined }) {
    if (!hasJoined) return undefined;
    const configuration = textOf(host, '/var/lib/kubelet/config.yaml');
    const hasCgroupV2 = textOf(host, '/sys/fs/cgroup/cgroup.controllers') !== undefined;
    if (configuration === undefined || !hasCgroupV2) return undefined;
    return looked(
      'the kernel ends only the process that ran out of memory',
      !/^singleProcessOOMKill: true\s*$/m.test(configuration) &&
        warning(
          'singleProcessOOMKill is not true: one process that runs out of memory ends the whole job. The setting ' +
            "comes from the cluster's operator; once it is there:",
          'kubeadm upgrade node phase kubelet-config && systemctl restart kubelet',
        ),
    );
  },
};
