import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { askForKeys } from '../../src/provider-agent/trust.js';
import { authorize } from '../../src/provider-agent/authorize.js';
import { parseGpuQuery } from '../../src/provider-agent/gpus.js';
import { helpOf } from '../../src/provider-agent/help.js';
import type { Machine } from '../../src/provider-agent/messages.js';
import { commands, readOptions, UsageError } from '../../src/provider-agent/options.js';
import { offerOf } from '../../src/provider-agent/scan.js';
import { scanJson, scanReport, type Scanned } from '../../src/provider-agent/scan-report.js';
import { openState } from '../../src/provider-agent/state.js';
import { troubleOf, unknownWord } from '../../src/provider-agent/trouble.js';

const folder = mkdtempSync(join(tmpdir(), 'agent-words-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** An address at which nothing answers. */
async function closedDoor(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

const gpu = (index: number, name: string, memory = '24564') =>
  `${index}, GPU-0000000${index}, 00000000:0${index}:00.0, ${memory}, 0, 550.54.15, ${name}`;

const machine = (gpus: string[]): Machine => ({
  ...{ hostname: 'box', os: 'Debian GNU/Linux 12 (bookworm)', kernelVersion: '6.1.0', architecture: 'amd64' },
  ...{ cpuModel: 'AMD EPYC 7B13', cpuCores: 16, cpuThreads: 32, totalMemoryMb: 131_072 },
  ...{ totalDiskGb: 1_000, availableDiskGb: 500, privateIp: '192.168.1.20' },
  gpus: parseGpuQuery(gpus.join('\n')).gpus,
});

const scanned = (of: Machine, flags: Record<string, string> = {}, problems: string[] = []): Scanned => ({
  ...{ machine: of, problems, offer: offerOf(of, readOptions('scan', flags, {})) },
});

describe('the report of a scan', () => {
  const box = machine([gpu(0, 'NVIDIA GeForce RTX 4090'), gpu(1, 'NVIDIA GeForce RTX 4090')]);

  test('the report names what would be registered, with units and prices', () => {
    const text = scanReport(scanned(box, { 'gpu-price': '0.5' }));
    expect(text).toMatch(/^ {2}NVIDIA GeForce RTX 4090 +2 × 24 GB +0\.5$/m);
    expect(text).toMatch(/^ {2}memory +128\.0 GB$/m);
    expect(text).toMatch(/^ {2}address +192\.168\.1\.20 \(private\)$/m);
    expect(text).toMatch(/✓ nothing is in the way of a join$/);
    expect(text).not.toMatch(/price 0/);
  });

  test('a price of 0 is a warning, by the name of the GPU', () => {
    expect(scanReport(scanned(box))).toMatch(/^! NVIDIA GeForce RTX 4090, price 0: you would earn nothing/m);
    const priced = { 'gpu-prices': 'NVIDIA GeForce RTX 4090=0.5' };
    expect(scanReport(scanned(box, priced))).not.toMatch(/price 0/);
    expect(scanReport(scanned(machine([])))).toMatch(/^! price 0: you would earn nothing\. --cpu-price/m);
  });

  test('the report fits 80 columns, whatever the names are', () => {
    const odd = machine([gpu(0, `NVIDIA ${'very '.repeat(20)}long`), gpu(1, 'X'.repeat(128))]);
    const text = scanReport(scanned({ ...odd, hostname: 'h'.repeat(200) }, {}, ['disk: '.repeat(40)]));
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(text).toMatch(/^✗ disk:/m);
  });

  test('a name with control characters is shown without them', () => {
    const text = scanReport(scanned({ ...machine([]), hostname: 'a\u001b]0;x\u0007b\u202e' }));
    expect(text).toMatch(/^ {2}name +a\]0;xb$/m);
  });

  test('a program reads the same in one style of names, without times that were never set', () => {
    const json = scanJson(scanned(box, {}, ['swap: on']));
    const names: string[] = [];
    JSON.stringify(json, (name, value: unknown) => {
      if (/^[A-Za-z_]+$/.test(name)) names.push(name);
      return value;
    });
    expect(names.filter((name) => /[A-Z]/.test(name))).toEqual([]);
    expect(JSON.stringify(json)).not.toMatch(/0001-01-01/);
    expect(json).toMatchObject({
      machine: { total_memory_mb: 131_072, total_gpus: 2 },
      capacity: { total_gpus: { 'NVIDIA GeForce RTX 4090': 2 }, total_disk_gb: 450 },
      ...{ problems: ['swap: on'], warnings: [expect.stringMatching(/price 0/)] },
    });
  });
});

describe('what the agent says when something is wrong', () => {
  test('authorize without a key says what the signature is for, and names the ways to make it', async () => {
    const options = readOptions('authorize', { id: 'gpu-1', 'node-key': `0x${'12'.repeat(20)}` }, {});
    const told = authorize(options, { say: () => undefined, print: () => undefined });
    await expect(told).rejects.toThrow(UsageError);
    await expect(told).rejects.toThrow(
      /is paid for it.*wl provider authorize gpu-1 --node-key 0x1212.*WALLET_PRIVATE_KEY_FILE/,
    );
  });

  test('a broker that is away is one line with a remedy', async () => {
    const error = await askForKeys(await closedDoor()).catch((reason: unknown) => reason);
    const line = troubleOf(error);
    expect(line).toMatch(/ECONNREFUSED.*\(nothing answers there: is --broker right/);
    expect(line).not.toMatch(/\n/);
  });

  test('a folder that is none is one line with a remedy, and control characters are taken out', () => {
    const denied = Object.assign(new Error("EACCES: permission denied, mkdir '/x\u001b[2J\n'"), { code: 'EACCES' });
    expect(troubleOf(denied)).toBe(
      "EACCES: permission denied, mkdir '/x[2J ' (run it with sudo, or name another folder with --state)",
    );
    expect(() => openState('/dev/null/state')).toThrow(/ENOTDIR/);
  });

  test('a file with a secret that cannot be read is named by its variable', () => {
    const env = { WALLET_PRIVATE_KEY_FILE: join(folder, 'none') };
    expect(() => readOptions('authorize', {}, env)).toThrow(
      /^WALLET_PRIVATE_KEY_FILE: .*none cannot be read \(ENOENT\)$/,
    );
  });

  test('a word that is misspelt gets the word that was perhaps meant', () => {
    expect(unknownWord('command', 'docter', commands, 'provider-agent --help')).toBe(
      'unknown command docter: did you mean doctor? (provider-agent --help lists them)',
    );
    expect(unknownWord('option', '--zzz', ['broker'], 'help')).toBe('unknown option --zzz (help lists them)');
  });

  test('every command explains itself', () => {
    for (const command of commands) expect(helpOf(command)).toMatch(new RegExp(`^Usage: provider-agent ${command} `));
    for (const command of commands) expect(helpOf()).toMatch(new RegExp(`^  ${command} `, 'm'));
  });
});
