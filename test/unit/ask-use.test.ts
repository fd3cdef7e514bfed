import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import ssh2 from 'ssh2';
import { maxUseBytes } from '../../src/domain/job-use.js';
import { newSshHostKey, publicSshHostKey } from '../../src/kubernetes/ssh-host-key.js';
import { askMachine } from '../../src/ssh/ask-use.js';
import { observerKeyOf } from '../../src/ssh/observer-key.js';

const jobId = '01890a5d-ac96-774b-bcce-b302099a8057';
const key = observerKeyOf(Buffer.alloc(32, 1), jobId);
/** Of another secret; it only has the form that the library reads. */
const host = observerKeyOf(Buffer.alloc(32, 2), jobId);
const opened = ['127.0.0.0/8'];
const good = JSON.stringify({ version: 1, step_s: 30, gpus: [], samples: [{ age_s: 0, cpu_cores: 1 }] });

const servers: (Server | ssh2.Server)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server | ssh2.Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A machine that says this, to whoever has the key of the job. */
async function machine(say: (channel: ssh2.ServerChannel) => void, takes = 'worldland-use'): Promise<number> {
  const server = new ssh2.Server({ hostKeys: [host.privateKey] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      const isIt =
        context.method === 'publickey' &&
        context.username === 'worldland' &&
        context.key.data.toString('base64') === key.publicKey.split(' ')[1];
      if (isIt) context.accept();
      else context.reject();
    });
    client.on('session', (accept) => {
      accept().on('subsystem', (taken, refuse, { name }) => {
        if (name === takes) say(taken());
        else refuse();
      });
    });
  });
  return await listening(server);
}

const ask = (port: number, hostKey = host.publicKey, timeoutMs = 5_000) =>
  askMachine({ jobId, host: '127.0.0.1', port, hostKey }, { key, opened, timeoutMs });

test('a machine is asked with the key of its job, and its answer is read', async () => {
  const port = await machine((channel) => channel.end(good));
  expect(await ask(port)).toMatchObject({ kind: 'use', use: { stepS: 30, samples: [{ cpuCores: 1 }] } });
});

test('a key follows from the secret and the job alone, and another job has another', () => {
  expect(observerKeyOf(Buffer.alloc(32, 1), jobId)).toEqual(key);
  expect(observerKeyOf(Buffer.alloc(32, 1), jobId.replace('0', '1')).publicKey).not.toBe(key.publicKey);
  const parsed = ssh2.utils.parseKey(key.privateKey);
  expect(parsed).not.toBeInstanceOf(Error);
  expect((parsed as ssh2.ParsedKey).getPublicSSH().toString('base64')).toBe(key.publicKey.split(' ')[1]);
});

test('a machine with another host key is told nothing', async () => {
  const asked: string[] = [];
  const port = await machine(() => asked.push('asked'));
  expect(await ask(port, publicSshHostKey(newSshHostKey()))).toEqual({ kind: 'silent' });
  expect(asked).toEqual([]);
});

test('a server that does not know the question, or not the key, refuses', async () => {
  const port = await machine(() => undefined, 'sftp');
  expect(await ask(port)).toEqual({ kind: 'refused' });
  const stranger = { key: observerKeyOf(Buffer.alloc(32, 3), jobId), opened };
  expect(await askMachine({ jobId, host: '127.0.0.1', port, hostKey: host.publicKey }, stranger)).toEqual({
    kind: 'refused',
  });
});

test('what cannot be read is told from silence', async () => {
  expect(await ask(await machine((channel) => channel.end('rubbish')))).toEqual({ kind: 'unreadable' });
  expect(await ask(await machine((channel) => channel.end()))).toEqual({ kind: 'unreadable' });
  expect(await ask(await machine((channel) => channel.write(good)), host.publicKey, 500)).toEqual({ kind: 'silent' });
});

test('a machine that talks without end is not listened to without end', async () => {
  const port = await machine((channel) => {
    const more = () => {
      while (channel.write(Buffer.alloc(65_536, 0x20)));
      channel.once('drain', more);
    };
    channel.on('error', () => undefined);
    more();
  });
  expect(await ask(port)).toEqual({ kind: 'unreadable' });
  const long = await machine((channel) => channel.end(' '.repeat(maxUseBytes) + good));
  expect(await ask(long)).toEqual({ kind: 'unreadable' });
});

test('a machine that has keys exchanged again is not listened to, whatever it says then', async () => {
  let again = 0;
  const server = new ssh2.Server({ hostKeys: [host.privateKey] }, (client) => {
    client.on('error', () => undefined);
    client.on('rekey', () => void (again += 1));
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('subsystem', (taken) => {
        const channel = taken();
        channel.on('error', () => undefined);
        const exchange = (left: number) =>
          void (left === 0 ? channel.end(good) : client.rekey(() => exchange(left - 1)));
        exchange(20);
      });
    });
  });
  expect(await ask(await listening(server))).toEqual({ kind: 'unreadable' });
  expect(again).toBeLessThan(3);
});

test('whatever is no SSH server is silent', async () => {
  const hostile: ((socket: Socket) => void)[] = [
    (socket) => socket.destroy(),
    (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'),
    (socket) => socket.write(Buffer.alloc(300_000, 0x41)),
    (socket) => socket.write(`SSH-2.0-x\r\n${'\u0000'.repeat(1_000)}`),
    () => undefined,
  ];
  for (const answer of hostile) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      answer(socket);
    });
    const port = await listening(server);
    expect(await ask(port, host.publicKey, 500)).toEqual({ kind: 'silent' });
  }
  const port = await listening(createServer());
  servers.pop()!.close();
  expect(await ask(port)).toEqual({ kind: 'silent' });
});

test('an address of the broker’s own networks is not connected to', async () => {
  const port = await machine((channel) => channel.end(good));
  const asked = { jobId, host: '127.0.0.1', port, hostKey: host.publicKey };
  expect(await askMachine(asked, { key, opened: [] })).toEqual({ kind: 'silent' });
});
