import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import type { Session } from '../../src/client/session.js';
import { missingForContainers } from '../../engines/containers/requirements.js';
import { packageRoot } from '../../engines/paths.js';
import { prepareComposeSite, roles, type ComposeSite, type Role } from '../support/compose-site.js';
import { engineTraces, noTraces } from '../support/engine-traces.js';
import { documentedCommands } from '../support/documented-commands.js';
import { userOf } from '../support/deployment.js';
import { describeOrSkip } from '../support/needs.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';
import { upgradeOf, type ComposeUpgrade } from './upgrade.js';

const print = (line: string) => void process.stderr.write(`  ${line}\n`);

/** What stands in for the images of the internet cannot prove anything about those. */
const notProved = [
  'that the tags and digests of docker-compose.yml and of the Dockerfile exist, and have what the stand-ins have',
  'the entry points of the official images, and that those have the programs of the health checks (nc, redis-cli)',
  'Redis 7.4 (here: Debian’s 8.0), and Postgres 17.7 and Node to the last digit of their versions',
  'other engines than Docker 20.10, other versions of Compose than 2.26, podman',
  'real nodes, SSH, a TLS proxy, --scale, the role authorizer',
];

describeOrSkip(missingForContainers())('docker-compose.yml and the Dockerfile', () => {
  let site: ComposeSite;
  let customer: Session;
  let jobId: string;
  let upgrade: ComposeUpgrade;
  let began = Date.now();
  /** Prints how long a step took; nothing depends on it. */
  const step = (name: string) => {
    print(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    began = Date.now();
  };
  const job = async (id = jobId) => {
    const { status, body } = await customer.request('GET', `/api/v1/jobs/${id}`);
    return status === 200 ? (body as { status: string }).status : status;
  };
  const rent = async () => {
    const order = { gpu_type: 'RTX 4090', gpu_count: 1, duration_hours: 1, ssh_public_keys: [sshKey] };
    const { body } = await until(
      async () => {
        const reply = await customer.request('POST', '/api/v1/jobs', order, { prefer: 'wait=60' });
        return reply.status < 300 && reply;
      },
      { timeoutMs: 90_000, everyMs: 300, name: 'the machine is rented' },
    );
    expect(body).toMatchObject({ status: 'running' });
    return (body as { job_id: string }).job_id;
  };
  const end = async (id: string) => {
    await customer.request('DELETE', `/api/v1/jobs/${id}`);
    await until(async () => (await job(id)) === 'cancelled', { timeoutMs: 90_000, name: 'the job has ended' });
  };
  const extend = async () => {
    const { status, body } = await customer.request('POST', `/api/v1/jobs/${jobId}/extend`, { additional_hours: 1 });
    expect([status, body]).toEqual([200, expect.objectContaining({ status: 'running' })]);
  };
  const log = (service: string) => site.compose('logs', '--no-log-prefix', service);
  const ask = (text: string, database = 'worldland') =>
    site.compose('exec', '--no-TTY', 'postgres', 'psql', '-U', 'worldland', '-Atc', text, database);
  const endOf = async (service: string) => (await site.containers())[service]!.State;
  /** Waits until a role that has just started says that it waits; until then it is not ready, and yet alive. */
  const waitsFor = async (role: Role, system: string) => {
    const words = `${system} is not available yet`;
    const { StartedAt: since } = await endOf(role);
    const says = async () => (await site.compose('logs', '--no-log-prefix', '--since', since, role)).includes(words);
    await until(says, { timeoutMs: 90_000, everyMs: 300, name: `${role} says that ${words}` });
    expect(await site.inside(role, alive)).toContain('"status":"ok"');
    expect(await site.inside(role, ready)).toContain('"status":"not_ready"');
    expect((await endOf(role)).Health?.Status).not.toBe('healthy');
  };

  afterAll(() => site?.remove());

  const chapter = story('an operator brings a site up with Compose, as docs/deploy.md says', 2_700_000);

  chapter('the machine is prepared', async () => {
    site = await prepareComposeSite(print);
    step('engine, cluster and stand-ins');
  });

  chapter('the image builds, and ends with 78 where its configuration is bad', async () => {
    const disconnect = await site.engine.connect();
    await site.compose('build', '--quiet');
    await disconnect();
    step('image');
    const ended = await site.engine.docker(['run', '--rm', 'worldland-broker']).catch(String);
    expect(ended).toContain('exit code 78');
    expect(ended).toContain('AUTH_AUDIENCE');
  });

  chapter('everything comes up, and what `up --wait` calls healthy does its work', async () => {
    began = Date.now();
    await site.compose('up', '--build', '--detach', '--wait').catch(async (error: Error) => {
      const logs = await Promise.all(['temporal', 'temporal-namespace', ...roles].map(log));
      throw new Error(
        `${error.message}\n${logs.map((text) => text.split('\n').slice(-12).join('\n')).join('\n---\n')}`,
      );
    });
    step('up --wait');
    for (const role of roles) {
      expect([role, await site.inside(role, ready)]).toEqual([role, expect.stringContaining('"status":"ready"')]);
      expect([role, /"msg":"running"/.test(await log(role))]).toEqual([role, true]);
    }
    const all = await site.containers();
    const ended = ['temporal-schema', 'temporal-namespace'].map((name) => all[name]!.State);
    expect(ended).toEqual(ended.map(() => expect.objectContaining({ Status: 'exited', ExitCode: 0 })));
    expect(Object.values(all).filter(({ RestartCount }) => RestartCount > 0)).toEqual([]);
  });

  chapter('the containers of the broker are hardened as the file promises', async () => {
    const all = await site.containers();
    for (const role of roles) {
      const { Config, HostConfig } = all[role]!;
      expect([role, Config.User, HostConfig]).toEqual([
        role,
        'node',
        expect.objectContaining({ ReadonlyRootfs: true, Privileged: false, CapAdd: null, CapDrop: ['ALL'] }),
      ]);
      // Of all processes: docker-init, the role's own, and what this test starts beside them.
      const own = await site.inside(role, 'for one in /proc/[0-9]*/status; do cat $one 2>/dev/null; done; true');
      const values = (name: string) => [...own.matchAll(new RegExp(`^${name}:\\s*(\\S+)`, 'gm'))].map(([, one]) => one);
      const none = '0000000000000000';
      for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        expect([role, name, values(name)]).toEqual([role, name, values(name).map(() => none)]);
      expect([role, new Set(values('NoNewPrivs')), new Set(values('Uid'))]).toEqual([
        ...[role, new Set(['1']), new Set(['1000'])],
      ]);
      const writes = await site.inside(role, 'touch /tmp/a && echo yes; touch /app/a /etc/a 2>&1 || echo no');
      expect([role, writes]).toEqual([role, expect.stringMatching(/^yes\n(.*Read-only file system\n){2}no\n$/)]);
    }
    const secrets = { api: 'api-kubeconfig', worker: 'kubeconfig', watcher: 'kubeconfig' } as const;
    for (const [role, secret] of Object.entries(secrets) as [keyof typeof secrets, string][])
      expect([role, await site.inside(role, `stat -c '%a %u' /run/secrets/${secret}`)]).toEqual([role, '400 1000\n']);
    expect(await site.inside('relay', 'ls /run/secrets 2>/dev/null || echo none')).toBe('none\n');
    expect(await site.inside('worker', `stat -c '%a %u' /run/secrets/receipt-key`)).toBe('400 1000\n');
  });

  chapter('Temporal’s UI is open to who logs in to the machine, and to no other', async () => {
    const { Name, HostConfig } = (await site.containers())['temporal-ui']!;
    expect(Name).toBe('/worldland-broker-temporal-ui-1');
    expect(HostConfig.PortBindings ?? {}).toEqual({});
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const address = await site.engine.docker(['inspect', '-f', format, 'worldland-broker-temporal-ui-1']);
    const namespaces = fetched(`http://${address.trim()}:8080/api/v1/namespaces`);
    expect(await site.inside('relay', namespaces)).toMatch(/"name":\s*"default-upkeep"/);
  });

  chapter('a job runs, with no more rights than those of the broker’s account', async () => {
    expect(await userOf(site.kubeconfig)).toBe('system:serviceaccount:worldland-system:broker');
    began = Date.now();
    await site.provider('beside').joined;
    step('a machine joins');
    customer = await site.customer();
    jobId = await rent();
    step('a job is ordered and runs');
  });

  chapter('`down` and `up` keep the job', async () => {
    began = Date.now();
    await site.compose('down');
    step('down');
    await site.compose('up', '--detach', '--wait');
    step('up --wait after down');
    expect(await job()).toBe('running');
    const all = await site.containers();
    const workerS = sinceStart(all['worker']!.State.StartedAt, await log('worker'));
    // Its parts look for each other at all addresses of the last 20 seconds, and would wait for those of a former container.
    const members = 'select distinct rpc_address from cluster_membership where role > 0';
    expect(await ask(members, 'temporal')).toBe('127.0.0.1\n');
    print(`the worker ran ${workerS} s after its container had started`);
    expect(Object.values(all).filter(({ RestartCount }) => RestartCount > 0)).toEqual([]);
  });

  chapter('the commands of the guide put one role after the other on the next image', async () => {
    upgrade = await upgradeOf(site);
    began = Date.now();
    await upgrade.forward();
    step('upgrade');
    expect(await upgrade.images()).toEqual(roles.map((role) => [role, 'next']));
    expect(await upgrade.builds()).toEqual(['next', 'next']);
    await extend();
    await end(await rent());
  });

  chapter('on the way back, what the next image has touched stays with a worker of it', async () => {
    began = Date.now();
    await upgrade.wayBack();
    step('way back');
    expect(await upgrade.images()).toEqual(roles.map((role) => [role, 'before']));
    expect(await upgrade.builds()).toEqual(['before', 'before']);
    expect(await upgrade.pinned()).toBeGreaterThan(0);
    await extend();
    await end(await rent());
  });

  chapter('forward again, nothing is pinned any more, and the kept worker goes', async () => {
    began = Date.now();
    await upgrade.forwardAgain();
    step('forward again');
    expect(await upgrade.images()).toEqual(roles.map((role) => [role, 'next']));
    expect(await upgrade.builds()).toEqual(['next', 'next']);
    expect(await upgrade.pinned()).toBe(0);
    await extend();
    await end(await rent());
  });

  chapter('Postgres comes back from its backup, with all that its log has since', async () => {
    site.override({ services: { postgres: { volumes: ['./archive:/archive'] } } });
    await site.shell(inOperate('mkdir -p /archive/log'));
    await site.shell(inOperate('pg_basebackup'));
    const since = await rent();
    began = Date.now();
    await site.shell(inOperate('find $data -mindepth 1 -delete'));
    step('restore');
    expect([await job(), await job(since)]).toEqual(['running', 'running']);
    const open = 'select why, jsonb_array_length(kept) from restores where over_at is null';
    await until(async () => (await ask(open)) === 'timeline|0\n', {
      timeoutMs: 120_000,
      everyMs: 1_000,
      name: 'the broker has found out that its database was restored',
    });
    await ask("select restore_is_over('0xoperator', 'nothing is missing')");
    expect([await job(), await job(since)]).toEqual(['running', 'running']);
    await end(since);
  });

  chapter('no role is healthy, and each stops with 0, while what it needs is away', async () => {
    began = Date.now();
    await site.compose('stop', ...roles);
    for (const role of roles) expect([role, (await endOf(role)).ExitCode]).toEqual([role, 0]);
    step('stop of all roles');

    await site.compose('stop', 'postgres');
    await site.compose('up', '--detach', '--no-deps', 'relay');
    await waitsFor('relay', 'Postgres');
    began = Date.now();
    await site.compose('stop', 'relay');
    expect((await endOf('relay')).ExitCode).toBe(0);
    step('stop of a role while Postgres is away');
    await site.compose('start', 'postgres');

    await site.cluster.halt('kube-apiserver');
    await site.compose('up', '--detach', 'worker');
    await waitsFor('worker', 'Kubernetes');
    began = Date.now();
    await site.compose('stop', 'worker');
    expect((await endOf('worker')).ExitCode).toBe(0);
    step('stop of a role while Kubernetes is away');
    await site.cluster.resume('kube-apiserver');
  });

  chapter('after an outage everything works again, and the job still runs', async () => {
    began = Date.now();
    await site.compose('up', '--detach', '--wait');
    step('up --wait after the outages');
    expect(await job()).toBe('running');
    await end(jobId);
  });

  chapter('nothing is left on the machine', async () => {
    began = Date.now();
    await site.compose('down', '--volumes');
    await site.remove();
    step('end');
    await untilNothingIsLeft(site.engine);
    print(`not proved: ${notProved.join('; ')}`);
  });

  test('a container engine whose process is killed leaves nothing behind', async () => {
    const script = join(packageRoot, 'test/support/engine-that-is-killed.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script], {
      ...{ cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] },
    });
    const exited = once(child, 'exit');
    const [said] = (await Promise.race([once(child.stdout, 'data'), exited])) as [Buffer];
    const engine = JSON.parse(String(said)) as { folder: string; namespace: string };
    const had = engineTraces(engine);
    expect(had).toEqual({ ...had, folder: true });
    for (const part of [had.processes, had.networks, had.cgroups]) expect(part).not.toEqual([]);
    child.kill('SIGKILL');
    await exited;
    await untilNothingIsLeft(engine);
  }, 300_000);
});

const inOperate = (containing: string) => documentedCommands('operate.md', containing);
const fetched = (url: string) => `node -e "fetch('${url}').then((r) => r.text()).then(console.log)"`;
const ask = (path: string) => fetched(`http://127.0.0.1:9090${path}`);
const ready = ask('/ready');
const alive = ask('/health');
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';

/** The kernel takes a moment to end a namespace. */
async function untilNothingIsLeft(engine: { folder: string; namespace: string }): Promise<void> {
  const isGone = () => JSON.stringify(engineTraces(engine)) === JSON.stringify(noTraces);
  await until(isGone, { timeoutMs: 60_000, everyMs: 200, name: 'nothing is left of the engine' }).catch(() =>
    expect(engineTraces(engine)).toEqual(noTraces),
  );
}

/** How long a container took until its role said that it ran. */
function sinceStart(startedAt: string, log: string): string {
  // Compose puts codes of a terminal before a line, also where there is none.
  const line = /\{.*"msg":"running".*\}/.exec(log)?.[0] ?? '{}';
  const { time } = JSON.parse(line) as { time?: string | number };
  return time === undefined ? '?' : ((new Date(time).getTime() - Date.parse(startedAt)) / 1000).toFixed(1);
}
