import { describe, expect, test } from '@jest/globals';
import { endpointUrl } from '../../src/domain/endpoint-url.js';
import type { JobOrder } from '../../src/domain/job.js';
import { portsRate } from '../../src/domain/job-ports.js';
import { jobRequestSchema, quoteRequestSchema, type JobPolicy } from '../../src/domain/job-request.js';
import { differencesFrom, quotedNeedOf } from '../../src/domain/quote.js';
import { jobNetworkPolicy } from '../../src/kubernetes/manifests/job-network.js';
import { jobService, openedPorts } from '../../src/kubernetes/manifests/job-service.js';
import { createRandom } from '../support/random.js';

const policy: JobPolicy = {
  defaultImage: 'docker.io/library/ubuntu:24.04',
  images: { allowlist: [], requireDigest: false },
  templates: [],
  minDurationS: 60,
  maxDurationS: 3_600_000,
};
const schema = quoteRequestSchema(policy);
const portsOf = (ports: unknown) => schema.parse({ ports }).ports;
/** The fields at fault, with what is said of each. */
const refusals = (ports: unknown) => {
  const { error } = schema.safeParse({ ports });
  return Object.fromEntries(error?.issues.map(({ path, message }) => [path.join('.'), message]) ?? []);
};

describe('the ports of an order', () => {
  test('a port needs nothing but its number, and speaks HTTP unless it says so', () => {
    expect(portsOf([{ port: 8888 }, { port: 53, name: 'dns', protocol: 'udp' }])).toEqual([
      { port: 8888, name: 'port-8888', protocol: 'http' },
      { port: 53, name: 'dns', protocol: 'udp' },
    ]);
    expect(
      portsOf([
        { port: 1, name: '' },
        { port: 65_535, name: null },
      ]),
    ).toMatchObject([{ name: 'port-1' }, { name: 'port-65535' }]);
  });

  test('an order with an empty list of ports is the same as one without', () => {
    expect(schema.parse({ ports: [] })).toEqual(schema.parse({}));
  });

  test.each([
    ['a port twice', [{ port: 80 }, { port: 80, name: 'b' }], 'ports.1.port', /twice/],
    [
      'a port for HTTP and for UDP',
      [{ port: 80 }, { port: 80, name: 'b', protocol: 'udp' }],
      'ports.1.port',
      /one protocol/,
    ],
    ['the port of SSH', [{ port: 22 }], 'ports.0.port', /reserved for SSH/],
    ['the port of the SSH server in the container', [{ port: 2222 }], 'ports.0.port', /reserved for SSH/],
    ['a port below 1', [{ port: 0 }], 'ports.0.port', /from 1 to 65535/],
    ['a port above 65535', [{ port: 65_536 }], 'ports.0.port', /from 1 to 65535/],
    ['half a port', [{ port: 80.5 }], 'ports.0.port', /whole number/],
    ['a port that is a text', [{ port: '80' }], 'ports.0.port', /./],
    ['no port', [{ name: 'web' }], 'ports.0.port', /./],
    [
      'a name twice',
      [
        { port: 80, name: 'a' },
        { port: 81, name: 'a' },
      ],
      'ports.1.name',
      /twice/,
    ],
    ['a name that another port has by default', [{ port: 80, name: 'port-81' }, { port: 81 }], 'ports.1.name', /twice/],
    ['the name of SSH', [{ port: 80, name: 'ssh' }], 'ports.0.name', /reserved/],
    ['a name in capitals', [{ port: 80, name: 'Web' }], 'ports.0.name', /DNS label/],
    ['a name that begins with a hyphen', [{ port: 80, name: '-web' }], 'ports.0.name', /DNS label/],
    ['a name with a dot', [{ port: 80, name: 'web.a' }], 'ports.0.name', /DNS label/],
    ['a name with a line feed', [{ port: 80, name: 'web\n' }], 'ports.0.name', /DNS label/],
    ['a name of 64 characters', [{ port: 80, name: 'a'.repeat(64) }], 'ports.0.name', /DNS label/],
    ['an unknown protocol', [{ port: 80, protocol: 'ftp' }], 'ports.0.protocol', /must be http, https, tcp, udp/],
    ['an unknown field', [{ port: 80, host_port: 30_000 }], 'ports.0', /host_port/],
    ['no list', { port: 80 }, 'ports', /list such as/],
    ['eleven ports', Array.from({ length: 11 }, (_, at) => ({ port: 8_000 + at })), 'ports', /at most 10/],
  ])('%s is refused by the name of the field', (_, ports, field, message) => {
    const found = refusals(ports);
    expect(Object.keys(found)).toEqual([field]);
    expect(found[field]).toMatch(message);
  });

  test('whatever stands in the field, it is taken or refused, and what is taken is what a Service can have', () => {
    const random = createRandom(1);
    const odd = [
      -1,
      0,
      1,
      22,
      80,
      2222,
      8888,
      65_535,
      65_536,
      1e300,
      NaN,
      '80',
      '',
      null,
      true,
      [],
      {},
      'a'.repeat(70),
    ];
    const names = ['a', 'A', '', 'ssh', 'port-80', 'x'.repeat(63), 'x'.repeat(64), '-', 'é', '\0', null, 1, '$(HOME)'];
    const protocols = ['http', 'https', 'tcp', 'udp', 'TCP', '', null, 7, undefined];
    for (let round = 0; round < 3_000; round++) {
      const list = Array.from({ length: random.whole(0, 12) }, () => ({
        ...{ port: random.next() < 0.5 ? random.whole(1, 65_535) : random.pick(odd) },
        ...(random.next() < 0.5 ? {} : { name: random.pick(names) }),
        ...(random.next() < 0.5 ? {} : { protocol: random.pick(protocols) }),
      }));
      const { data, error } = schema.safeParse({ ports: list });
      if (error !== undefined) {
        expect(error.issues.every(({ path }) => path[0] === 'ports')).toBe(true);
        continue;
      }
      const ports = data.ports ?? [];
      expect(ports.length).toBeLessThanOrEqual(10);
      expect(new Set(ports.map(({ port }) => port)).size).toBe(ports.length);
      expect(new Set(ports.map(({ name }) => name)).size).toBe(ports.length);
      for (const { port, name } of ports) {
        expect(port >= 1 && port <= 65_535 && port !== 22 && port !== 2222).toBe(true);
        expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
      }
    }
  });

  test('a quote is for as many ports as its order has, whichever they are', () => {
    const of = (ports: unknown[]) => schema.parse({ ports });
    const quote = { need: quotedNeedOf(of([{ port: 80 }, { port: 81 }])), rates: [] };
    expect(differencesFrom(quote, of([{ port: 9_000 }, { port: 9_001, protocol: 'udp' }]))).toEqual([]);
    expect(differencesFrom(quote, of([{ port: 80 }]))).toEqual(['ports']);
    expect(differencesFrom(quote, of([]))).toEqual(['ports']);
  });

  test('an order with keys takes ports, too', () => {
    const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
    const order = jobRequestSchema(policy).parse({ ssh_public_keys: [key], ports: [{ port: 80 }] });
    expect(order.ports).toEqual([{ port: 80, name: 'port-80', protocol: 'http' }]);
  });
});

test('the first ports of an order are free, and each of the others costs the same', () => {
  const prices = { free: 2, rate: 5n };
  expect([0, 1, 2, 3, 10].map((count) => portsRate(count, prices))).toEqual([0n, 0n, 0n, 5n, 40n]);
});

describe('the URL of an endpoint', () => {
  const at = { port: 8888, protocol: 'http', host: '198.51.100.7', hostPort: 31_000 } as const;
  const jupyter = {
    id: 'jupyter',
    page: { port: 8888, path: '/lab' },
    token: { variable: 'JUPYTER_TOKEN', usedAs: 'query', query: 'token' },
  } as const;

  test('an endpoint of HTTP has a URL, and one of TCP or UDP has none', () => {
    expect(endpointUrl(at)).toBe('http://198.51.100.7:31000/');
    expect(endpointUrl({ ...at, protocol: 'https' })).toBe('https://198.51.100.7:31000/');
    expect(endpointUrl({ ...at, protocol: 'tcp' })).toBeUndefined();
    expect(endpointUrl({ ...at, protocol: 'udp' })).toBeUndefined();
  });

  test('an address of IPv6 stands in brackets', () => {
    expect(endpointUrl({ ...at, host: '2001:db8::7' })).toBe('http://[2001:db8::7]:31000/');
  });

  test('the page of a template is at its path, with the token only where there is one', () => {
    expect(endpointUrl(at, jupyter, 'abc')).toBe('http://198.51.100.7:31000/lab?token=abc');
    expect(endpointUrl(at, jupyter)).toBe('http://198.51.100.7:31000/lab');
    expect(endpointUrl({ ...at, port: 6006 }, jupyter, 'abc')).toBe('http://198.51.100.7:31000/');
    const bearer = { ...jupyter, token: { variable: 'KEY', usedAs: 'bearer' } } as const;
    expect(endpointUrl(at, bearer, 'abc')).toBe('http://198.51.100.7:31000/lab');
  });
});

describe('the objects of a job with ports', () => {
  const order: JobOrder = {
    jobId: '01890a5d-ac96-774b-bcce-b302099a8057',
    wallet: '0x00000000000000000000000000000000000000aa',
    ...{ gpuCount: 0, cpuCores: 1, memoryMb: 1_024, storageGb: 1, image: 'docker.io/library/debian:12' },
    durationSeconds: 3_600,
    ports: [
      { port: 8888, name: 'jupyter', protocol: 'http' },
      { port: 53, name: 'dns', protocol: 'udp' },
    ],
  };
  const placement = { providerId: 'atlas', nodeName: 'atlas', pricePerHour: 1 };

  test('the Service has the port of SSH first, and each port of the order by its transport', () => {
    expect(jobService(order, placement).spec!.ports).toEqual([
      { name: 'ssh', port: 22, targetPort: 'ssh', protocol: 'TCP' },
      { name: 'port-8888', port: 8888, targetPort: 8888, protocol: 'TCP' },
      { name: 'port-53', port: 53, targetPort: 53, protocol: 'UDP' },
    ]);
  });

  test('the network policy lets in exactly the ports of the order, and nothing for an order without', () => {
    const specOf = (of: JobOrder) => jobNetworkPolicy(of, placement, 'uid', []).spec!;
    expect(specOf(order)).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          ports: [
            { port: 8888, protocol: 'TCP' },
            { port: 53, protocol: 'UDP' },
          ],
        },
      ],
    });
    expect(specOf({ ...order, ports: [] })).toMatchObject({ policyTypes: ['Egress'] });
    expect(specOf({ ...order, ports: [] }).ingress).toBeUndefined();
  });

  test('where a port is reached is told by its own entry of the Service, in whatever order they come', () => {
    const { spec } = jobService(order, placement);
    const ports = [...spec!.ports!].reverse().map((each, at) => ({ ...each, nodePort: 30_000 + at }));
    expect(openedPorts(order.ports!, { spec: { ports } })).toEqual([
      { port: 8888, nodePort: 30_001 },
      { port: 53, nodePort: 30_000 },
    ]);
  });
});
