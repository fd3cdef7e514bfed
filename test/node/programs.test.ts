import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { gateway } from '../../engines/real-node/machine.js';
import { missingForRealNode } from '../../engines/real-node/requirements.js';
import { findOnPath } from '../../engines/tools/tool.js';
import { connect } from '../../src/client/index.js';
import type { JobLogLine } from '../../src/client/shapes.js';
import type { Session } from '../../src/client/session.js';
import { end, opens, rent, run, ssh, sshOptions, type Rented } from '../support/customer.js';
import { freePort } from '../support/free-port.js';
import { startGitServer } from '../support/git-server.js';
import { startLocalRegistry, testLogin, type LocalRegistry } from '../support/local-registry.js';
import { describeUnless } from '../support/needs.js';
import { offerRealMachine, type RealMachine } from '../support/real-machine.js';
import { borrowed, smallLinux } from '../support/small-linux.js';
import { until } from '../support/until.js';

const missing =
  missingForRealNode() ??
  ['ssh', 'ssh-agent', 'git']
    .filter((name) => findOnPath(name, process.env) === undefined)
    .map((name) => `the program ${name}`)[0];
const pathOf = (name: string) => findOnPath(name, process.env)!;

let real: RealMachine;
let open: LocalRegistry;
let closed: LocalRegistry;
let customer: Session;
let image: string;
const rented: Rented[] = [];

/** Rents with a main program; what is still there in the end is ended. */
async function order(changes: object): Promise<Rented> {
  const job = await rent(customer, { image, ...changes }).catch(async (error: Error) => {
    throw new Error(`${error.message}${await real.podsOf(customer)}`);
  });
  rented.push(job);
  return job;
}

/** A main program in the image's shell. */
const shell = (script: string) => ({ command: ['sh', '-c', script] });
const read = async ({ job_id: id }: Rented) => {
  const { body } = await customer.request('GET', `/api/v1/jobs/${id}`);
  return body as Record<string, unknown> & { status: string };
};
const logOf = async ({ job_id: id }: Rented) => {
  const { body } = await customer.request('GET', `/api/v1/jobs/${id}/logs`);
  return body as { source: string; lines: JobLogLine[] };
};
/** What the program wrote, without what the SSH server says. */
const written = async (job: Rented) =>
  (await logOf(job)).lines.map(({ line }) => line).filter((line) => !line.startsWith('time='));
const ended = (job: Rented) =>
  until(
    async () => {
      const row = await read(job);
      return ['completed', 'failed', 'cancelled', 'provider_lost'].includes(row.status) ? row : undefined;
    },
    { timeoutMs: 60_000, everyMs: 500, name: 'the job has ended' },
  );
const writes = (job: Rented, text: string) =>
  until(async () => (await written(job)).includes(text), {
    timeoutMs: 60_000,
    everyMs: 500,
    name: `it writes ${text}`,
  });

/** What an HTTP server says there; undefined while none answers. */
const textAt = async (url: string) => await (await fetch(url).catch(() => undefined))?.text();

/** Behaves as Jupyter does: its page asks for the token that a variable has. */
const page = `#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
[ "$QUERY_STRING" = "token=$JUPYTER_TOKEN" ] && echo welcome || echo who are you
`;
const templates = (image: string) => ({
  templates: [
    {
      ...{ id: 'jupyter', name: 'Jupyter', description: 'A stand-in.', image, restart: 'on_failure' },
      command: ['httpd', '-f', '-h', '/', '-p', '8888'],
      ports: [{ port: 8888, name: 'jupyter', protocol: 'http' }],
      page: { port: 8888, path: '/cgi-bin/lab' },
      token: { variable: 'JUPYTER_TOKEN', used_as: 'query', query: 'token' },
    },
  ],
});

describeUnless(missing)('the main program on a real machine', () => {
  beforeAll(async () => {
    const hosts = [`${gateway}:${await freePort()}`, `${gateway}:${await freePort()}`] as const;
    real = await offerRealMachine({
      env: {
        IMAGE_RESOLVE: 'required',
        IMAGE_PLAIN_REGISTRIES: hosts.join(','),
        IMAGE_ALLOWLIST: hosts.map((host) => `${host}/*/*`).join(','),
        JOB_TEMPLATES: JSON.stringify(templates(`${hosts[0]}/team/jupyter:1`)),
      },
    });
    for (const host of hosts) real.machine.useRegistry(host, `http://${host}`);
    [open, closed] = await Promise.all([startLocalRegistry('open', hosts[0]), startLocalRegistry('private', hosts[1])]);
    const answer = { path: 'index.html', content: Buffer.from('a model answers\n') };
    const lab = { path: 'cgi-bin/lab', content: Buffer.from(page), mode: 0o755 };
    await open.pushImage('team/jupyter', '1', await smallLinux({ entries: [lab] }));
    await open.pushImage(
      'team/server',
      '1',
      await smallLinux({ entries: [answer], entrypoint: ['httpd', '-f', '-h', '/'], command: ['-p', '8000'] }),
    );
    await open.pushImage('team/git', '1', await smallLinux({ entries: borrowed(pathOf('git'), pathOf('ssh')) }));
    await closed.pushImage('team/secret', '1', await smallLinux());
    image = `${open.host}/team/server:1`;
    customer = await real.broker.customer();
    await real.offerGpus(await real.joined(), customer);
  }, 1_800_000);

  afterAll(async () => {
    await real?.remove();
    await Promise.all([open?.close(), closed?.close()]);
    for (const { folder } of rented) rmSync(folder, { recursive: true, force: true });
  }, 120_000);

  test('a command runs as root, where it was told to, with its arguments and the variables of the order', async () => {
    const job = await order({
      command: ['sh', '-c', 'id -u; pwd; echo "$GREETING"; echo "$@"', 'program'],
      args: ['--epochs', '3 of 4'],
      workdir: '/made/for/it',
      env: { GREETING: 'hello' },
    });
    await writes(job, '--epochs 3 of 4');
    expect(await written(job)).toEqual(['0', '/made/for/it', 'hello', '--epochs 3 of 4']);
    // The machine stays when its program has ended.
    expect((await ssh(job, 'echo still here')).output).toBe('still here\n');
    expect(await read(job)).toMatchObject({
      status: 'running',
      program: { restart: 'never', end_with_command: false },
    });
    await end(customer, job);
  });

  test('an image runs what it was made for, and it answers on its port', async () => {
    const job = await order({ entrypoint: 'image' });
    const ask = 'wget -q -O - http://127.0.0.1:8000/index.html';
    await until(async () => (await ssh(job, ask)).output === 'a model answers\n', { timeoutMs: 30_000 });
    await end(customer, job);
    // Arguments take the place of the image's own.
    const other = await order({ entrypoint: 'image', args: ['-p', '9000'] });
    await until(async () => (await ssh(other, ask.replace('8000', '9000'))).output === 'a model answers\n', {
      timeoutMs: 30_000,
    });
    await end(customer, other);
  });

  test('a model server is asked at its port from outside, and at no other one', async () => {
    const job = await order({ entrypoint: 'image', ports: [{ port: 8000, name: 'model' }] });
    const { endpoints } = await read(job);
    expect(endpoints).toMatchObject([{ name: 'model', port: 8000, host: real.machine.address }]);
    const [{ url, host_port: port }] = endpoints as [{ url: string; host_port: number }];
    await until(async () => (await textAt(`${url}index.html`)) === 'a model answers\n', { timeoutMs: 30_000 });
    await end(customer, job);
    expect(await opens(real.machine.address, port)).toBe(false);
  });

  test('a template starts its page by one request, with a token that its URL has', async () => {
    const job = await order({ image: undefined, template: 'jupyter' });
    const [{ url }] = (await read(job))['endpoints'] as [{ url: string }];
    expect(new URL(url).searchParams.get('token')).toMatch(/^\S{20,}$/);
    await until(async () => (await textAt(url)) === 'welcome\n', { timeoutMs: 30_000 });
    expect(await textAt(url.split('?')[0]!)).toBe('who are you\n');
    await end(customer, job);
  });

  test('a program that crashes is started again', async () => {
    const script = 'echo run; test -e /tmp/second && echo lives && sleep 1000; touch /tmp/second; kill -SEGV $$';
    const job = await order({ ...shell(script), restart: 'on_failure' });
    await writes(job, 'lives');
    expect(await written(job)).toEqual(['run', 'run', 'lives']);
    await end(customer, job);
  });

  test.each([
    [0, 'completed'],
    [7, 'failed'],
  ])('a job that ends with its program, with %i, is %s, and its log is kept', async (code, status) => {
    const job = await order({ ...shell(`echo the last words; exit ${code}`), end_with_command: true });
    const row = await ended(job);
    expect(row).toMatchObject({ status, program: { state: 'exited', exit_code: code } });
    await until(async () => (await logOf(job)).source === 'kept', { timeoutMs: 30_000, everyMs: 500 });
    expect(await written(job)).toEqual(['the last words']);
  });

  test('a private image is pulled with the login of the order, and with none or a wrong one it is refused', async () => {
    const secret = `${closed.host}/team/secret:1`;
    const refused = expect.stringMatching(/^422: .*image_private/);
    await expect(rent(customer, { image: secret })).rejects.toMatchObject({ message: refused });
    const wrong = { username: testLogin.username, password: 'another' };
    await expect(rent(customer, { image: secret, registry_auth: wrong })).rejects.toMatchObject({ message: refused });
    const job = await order({ image: secret, registry_auth: testLogin });
    expect((await ssh(job, 'echo in')).output).toBe('in\n');
    const inside = (await ssh(job, 'env; cat /etc/worldland/* /proc/1/environ /proc/1/cmdline')).output;
    expect(inside).not.toContain(testLogin.password);
    await end(customer, job);
    // The machine has the image by now, and still gives it to nobody else.
    await expect(rent(customer, { image: secret })).rejects.toMatchObject({ message: refused });
  });

  test('git clones over the agent that the customer forwards, and not without it', async () => {
    const git = await startGitServer(gateway, await freePort(), 'the work\n');
    const job = await order({ image: `${open.host}/team/git:1` });
    const trusting = 'ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes';
    const clone = `rm -rf ~/code; GIT_SSH_COMMAND="${trusting}" git clone -q ${git.url} ~/code && cat ~/code/README`;
    const target = [...sshOptions(job), '-p', String(job.ssh_port), `root@${job.ssh_host}`];
    const agent = `SSH_AUTH_SOCK=${git.agentSocket}`;
    try {
      // The policies of a new pod take a moment to be in force.
      const refused = async () =>
        (await run('env', [agent, 'ssh', ...target, clone])).output.includes('Permission denied');
      await until(refused, { timeoutMs: 60_000, everyMs: 1_000, name: 'the git server is reached, and refuses' });
      expect((await run('env', [agent, 'ssh', '-A', ...target, clone])).output).toContain('the work\n');
    } finally {
      await git.close();
    }
    await end(customer, job);
  });

  test('eight loader workers share more memory than containers have by default', async () => {
    const worker = 'dd if=/dev/zero of=/dev/shm/batch-$n bs=1M count=12 2>/dev/null && wc -c </dev/shm/batch-$n';
    const script = `for n in 1 2 3 4 5 6 7 8; do (${worker}) & done; wait; echo trained`;
    const job = await order({ ...shell(script), memory_gb: '512Mi' });
    await writes(job, 'trained');
    expect(await written(job)).toEqual([...Array<string>(8).fill(String(12 * 2 ** 20)), 'trained']);
    await end(customer, job);
  });

  test('a log is followed without a gap or a repeat while a worker and the API are killed', async () => {
    const job = await order(shell('n=0; while [ $n -lt 400 ]; do n=$((n + 1)); echo line $n; sleep 0.05; done'));
    const client = connect({ api: real.broker.endpoints.api, token: await customer.token() });
    const lines: string[] = [];
    const stop = new AbortController();
    for await (const { line } of client.jobs.logs(job.job_id, { signal: stop.signal })) {
      if (!line.startsWith('line ')) continue;
      lines.push(line);
      if (lines.length === 50) real.broker.stack.kill('worker');
      if (lines.length === 100) real.broker.stack.kill('api');
      if (lines.length === 400) break;
    }
    expect(lines).toEqual(Array.from({ length: 400 }, (_, n) => `line ${n + 1}`));
    await until(async () => (await fetch(`${real.broker.endpoints.api}/ready`)).ok, { timeoutMs: 60_000 });
    await end(customer, job);
    await until(async () => (await logOf(job)).source === 'kept', { timeoutMs: 30_000, everyMs: 500 });
    expect((await written(job)).at(-1)).toBe('line 400');
  });
});
