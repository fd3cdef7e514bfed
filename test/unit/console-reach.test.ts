import { describe, expect, test } from '@jest/globals';
import { endpointsOf, hiddenPage, tunnelTo } from '../../console/jobs/endpoints.js';
import { seriesOf, thinned } from '../../console/jobs/use-series.js';
import { programText } from '../../src/words/program-text.js';
import type { SshTarget } from '../../src/words/ssh-target.js';

const web = { name: 'jupyter', port: 8888, protocol: 'http', host: '203.0.113.7', host_port: 30_123 } as const;
const target = { host: '203.0.113.7', port: 30_001, user: 'root' } as SshTarget;

describe('an endpoint on the page of its job', () => {
  test('is a link whose token is not on the screen, and says that plain HTTP is not encrypted', () => {
    const url = 'http://203.0.113.7:30123/lab?token=secret';
    expect(endpointsOf({ endpoints: [{ ...web, url }] })).toEqual([
      {
        ...{ name: 'jupyter', port: 8888, protocol: 'http', address: '203.0.113.7:30123', isPlain: true },
        ...{ url, shownUrl: 'http://203.0.113.7:30123/lab', hasSecret: true },
      },
    ]);
  });

  test('leads nowhere but where its job is, whatever its link says', () => {
    for (const url of [
      'javascript:alert(1)',
      'http://evil.example/',
      'https://203.0.113.7:30123/',
      'http://203.0.113.7:30124/',
      'http://me:you@203.0.113.7:30123/',
      'no link',
    ]) {
      const [shown] = endpointsOf({ endpoints: [{ ...web, url }] });
      expect([url, shown?.url, shown?.address]).toEqual([url, undefined, '203.0.113.7:30123']);
    }
    for (const host of ['-oProxyCommand=x', 'a b', '', 'x/y', 'a@b'])
      expect(endpointsOf({ endpoints: [{ ...web, host, url: `http://${host}:30123/` }] })).toEqual([]);
  });

  test('may be at an IPv6 address, and of a protocol that no browser opens', () => {
    const six = { ...web, host: '2001:db8::7', url: 'http://[2001:db8::7]:30123/' };
    expect(endpointsOf({ endpoints: [six] })[0]).toMatchObject({
      address: '[2001:db8::7]:30123',
      url: 'http://[2001:db8::7]:30123/',
    });
    expect(endpointsOf({ endpoints: [{ ...web, protocol: 'udp' }] })[0]).toMatchObject({ isPlain: false });
    expect(endpointsOf({ endpoints: [{ ...web, protocol: 'udp' }] })[0]).not.toHaveProperty('url');
  });

  test('is reached through SSH, at a port that everybody may open on his own computer', () => {
    expect(tunnelTo(target, 8888, '/lab')).toEqual({
      command: 'ssh root@203.0.113.7 -p 30001 -L 8888:localhost:8888',
      url: 'http://localhost:8888/lab',
    });
    expect(tunnelTo(target, 80).command).toContain('-L 8080:localhost:80');
    expect(tunnelTo(target, 8888, '/a?b=<c>').url).toBe('http://localhost:8888/');
  });

  test('that its template has no port for is told apart', () => {
    const page = { port: 8188, path: '/' };
    expect(hiddenPage({ template_page: page })).toEqual(page);
    expect(hiddenPage({ template_page: { ...page, port: 8888 }, endpoints: [web] })).toBeUndefined();
    expect(hiddenPage({})).toBeUndefined();
  });
});

describe('what a job uses', () => {
  const gib = 1024 ** 3;
  const gpu = (index: number, busy?: number, memory?: number) => ({
    index,
    ...(busy === undefined ? {} : { busy_percent: busy }),
    ...(memory === undefined ? {} : { memory_bytes: memory * gib }),
  });
  const at = '2026-01-01T10:00:00.000Z';

  test('is a line for each figure that its machine says, with what there is of it', () => {
    const series = seriesOf({
      limits: { cpu_cores: 8, memory_bytes: 32 * gib },
      gpus: [
        { index: 0, memory_bytes: 24 * gib },
        { index: 1, memory_bytes: 24 * gib },
      ],
      samples: [
        { at, cpu_cores: 2, memory_bytes: 4 * gib, gpus: [gpu(0, 100, 20), gpu(1, 0, 2)] },
        { at, memory_bytes: 5 * gib, gpus: [gpu(0, 50), gpu(1)] },
      ],
    });
    expect(series.map(({ name, values, max }) => [name, values, max])).toEqual([
      ['2 GPUs, mean', [50, 50], 100],
      ['GPU memory', [22 * gib, null], 48 * gib],
      ['Cores', [2, null], 8],
      ['Memory', [4 * gib, 5 * gib], 32 * gib],
    ]);
    expect(series.map(({ text, values }) => text(values[0]!))).toEqual([
      '50 %',
      '22 GB of 48 GB',
      '2.0 of 8',
      '4.0 GB of 32 GB',
    ]);
  });

  test('has no line of what nobody said', () => {
    expect(seriesOf({ limits: {}, gpus: [], samples: [{ at, gpus: [] }] })).toEqual([]);
    expect(seriesOf({ limits: {}, gpus: [], samples: [] })).toEqual([]);
  });

  test('is thinned for a table, with the newest always in it', () => {
    expect(thinned([1, 2, 3, 4, 5, 6, 7], 3)).toEqual([1, 4, 7]);
    expect(thinned([1, 2, 3, 4, 5], 3)).toEqual([1, 3, 5]);
    expect(thinned([1, 2], 20)).toEqual([1, 2]);
  });
});

test('the state of a main program is a few words, also one that is newer than the page', () => {
  const program = { restart: 'never', end_with_command: false, state: 'running' } as const;
  expect(programText(program)).toBe('runs');
  expect(programText({ ...program, restart: 'always' })).toBe('runs, restarted whenever it ends');
  expect(programText({ ...program, end_with_command: true })).toBe('runs, the job ends with it');
  expect(programText({ ...program, state: 'exited', exit_code: 137, end_with_command: true })).toBe(
    'has ended with exit code 137 (SIGKILL)',
  );
  expect(programText({ ...program, state: 'went_\u202ewrong' as never })).toBe('went wrong');
});
