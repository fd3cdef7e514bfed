import { describe, expect, test } from '@jest/globals';
import { readHeartbeat } from '../../src/domain/heartbeat.js';
import { unprintableAstral, unprintableRanges } from '../../src/domain/outside.js';
import { senderOf } from '../../src/domain/provider-message.js';
import { capacityUpdateSchema, offerOf, registrationSchema } from '../../src/domain/registration.js';
import { createLogger } from '../../src/observability/logger.js';
import { letterText } from '../../src/redis/streams/dead-letters.js';
import { registrationMessage, heartbeatMessage } from '../../engines/simulated-provider/messages.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { anyName, fieldsOf, textsIn, valueAt, withValueAt } from '../support/request-fields.js';

const unprintable = new RegExp(`[${unprintableRanges}${unprintableAstral}\\p{Surrogate}]`, 'u');
/** What a provider may put into a name for whoever lists his machine in a terminal. */
const nasty = '\0\u001b[2J\u202eXTR\u200b\u009b\u{e0041}\ud800\r\n';

const registration = {
  provider_id: 'prov-1',
  agent_version: nasty,
  spec: {
    hostname: `host${nasty}`,
    os: nasty,
    cpu_model: `EPYC${nasty} 7713`,
    gpus: [{ index: 0, name: `RTX${nasty}4090`, uuid: nasty, driver_ver: nasty }],
    public_ip: nasty,
    bandwidth: nasty,
  },
  capacity: {
    total_gpus: { [`RTX${nasty}4090`]: 4, 'H100\u200b': 2 },
    gpu_prices_per_hour: { [`RTX${nasty}4090`]: 1.5, H100: 3 },
  },
};

describe('what an agent sends', () => {
  test('what an agent sends can be shown in a terminal once it was read, even names of GPU types', () => {
    const read = registrationSchema.parse(registration);
    const offer = offerOf(read);
    const update = capacityUpdateSchema.parse({ ...registration, node_name: nasty });
    const beat = readHeartbeat(JSON.stringify({ provider_id: 'prov-1', node_name: `n${nasty}` }));
    expect(textsIn([read, offer, update, beat]).filter((text) => unprintable.test(text))).toEqual([]);
    expect(read.spec.cpuModel).toBe('EPYC[2JXTR  7713');
    // A price finds its type, although one of the two was written with a character that nobody sees.
    expect(offer.gpus.find(({ type }) => type === 'h100')).toMatchObject({ count: 2, pricePerHour: 3, model: 'H100' });
  });

  test('a text of which nothing can be shown is left out', () => {
    const { spec, agentVersion } = registrationSchema.parse(registration);
    expect(
      registrationSchema.parse({ ...registration, spec: { public_ip: '\0\u202e' } }).spec.publicIp,
    ).toBeUndefined();
    expect(agentVersion).toBe('[2JXTR');
    expect(spec.publicIp).toBe('[2JXTR');
  });

  test('a text may still be too long once it was read', () => {
    const { success, error } = registrationSchema.safeParse({ ...registration, spec: { hostname: 'x'.repeat(254) } });
    expect(success).toBe(false);
    expect(error!.issues[0]!.path).toEqual(['spec', 'hostname']);
  });

  test('what an agent sends has no name that means something to JavaScript, however it is disguised', () => {
    const data =
      '{"provider_id":"prov-1","capacity":{"total_gpus":{"__proto__":1,"__pro\\u200bto__":1,"constructor":2}}}';
    const { capacity } = registrationSchema.parse(JSON.parse(data));
    expect(Object.getPrototypeOf(capacity.totalGpus)).toBe(Object.prototype);
    expect(Object.hasOwn(capacity.totalGpus, '__proto__')).toBe(false);
    expect(capacity.totalGpus).toEqual({ constructor: 2 });
  });

  test('arguments and variables of a miner are kept as they are, since only programs read them', () => {
    const mining_config = { env_vars: { POOL_CA: 'line 1\nline 2\n' }, extra_args: ['--x= y '] };
    const { miningConfig } = registrationSchema.parse({ ...registration, mining_config });
    expect(miningConfig).toMatchObject({ envVars: { POOL_CA: 'line 1\nline 2\n' }, extraArgs: ['--x= y '] });
    const refused = registrationSchema.safeParse({ ...registration, mining_config: { env_vars: { A: 'a\0b' } } });
    expect(refused.success).toBe(false);
  });

  test.each([
    ['0001-01-01T00:00:00Z', undefined],
    ['0001-01-01T08:05:43+08:05', undefined],
    ['0000-12-31T23:00:00Z', undefined],
    ['9999-12-31T23:59:59-14:00', undefined],
    [null, undefined],
    ['', undefined],
    ['2026-01-02T03:04:05.123456789+02:00', '2026-01-02T01:04:05.123Z'],
  ])('the time %j is read as %j', (timestamp, sentAt) => {
    expect(registrationSchema.parse({ ...registration, timestamp }).sentAt).toBe(sentAt);
  });
});

describe('what the broker says of an invalid message', () => {
  test('the problem of an invalid message can be shown although it names a field that the sender chose', () => {
    const data = JSON.stringify({ ...registration, capacity: { total_gpus: { [`RTX${nasty}`]: 'many' } } });
    const { problem } = senderOf('registration', data) as { problem: string };
    expect(problem).toMatch(/^capacity\.total_gpus\.RTX\[2JXTR/);
    expect(problem).not.toMatch(unprintable);
  });

  test('the problem of an invalid message is short, however long its names are', () => {
    const counts = Object.fromEntries(Array.from({ length: 60 }, (_, at) => ['x'.repeat(100) + at, 'many']));
    const { problem } = senderOf(
      'registration',
      JSON.stringify({ ...registration, capacity: { total_gpus: counts } }),
    ) as {
      problem: string;
    };
    expect(problem.length).toBeLessThanOrEqual(600);
    expect(problem).toMatch(/; and 55 more$/);
  });
});

test('a dead letter shows what was sent in a form that a terminal does not execute', () => {
  const data = JSON.stringify({ hostname: 'a\u202eb\u009b\u{e0041}' }) + '\u001b[2J';
  const text = letterText(data);
  expect(text).not.toMatch(unprintable);
  expect(text).toBe('{"hostname":"a\\u202eb\\u009b\\udb40\\udc41"}\\u001b[2J');
  expect(JSON.parse(text.replace('\\u001b[2J', ''))).toEqual({ hostname: 'a\u202eb\u009b\u{e0041}' });
});

test('a log line shows what a stranger wrote in a form that a terminal does not execute', () => {
  let line = '';
  const logger = createLogger({ LOG_LEVEL: 'info' }, 'broker', { write: (text) => void (line += text) });
  logger.warn({ hostname: `a${nasty}`, err: new Error(`b${nasty}`) }, 'told by \u202ea stranger, für alle');
  expect(line.endsWith('}\n')).toBe(true);
  expect(line.slice(0, -1)).not.toMatch(unprintable);
  expect(JSON.parse(line)).toMatchObject({ hostname: `a${nasty}`, msg: 'told by \u202ea stranger, für alle' });
});

describe('a heartbeat', () => {
  const beat = (fields: string) => readHeartbeat(`{"provider_id":"prov-1"${fields}}`);

  test.each([
    ['NaN', '"cpu_usage":NaN', 'data is not JSON'],
    ['an infinite number', '"cpu_usage":1e400', 'cpu_usage is not a number'],
    ['an impossibly large number', '"cpu_usage":1e308', 'cpu_usage is not a number'],
    ['a negative number', '"cpu_usage":-1', 'cpu_usage is not a number'],
    ['a text for a number', '"cpu_usage":"NaN"', 'cpu_usage is not a number'],
    ['a list for a number', '"memory_usage":[1]', 'memory_usage is not a number'],
    ['an object for a number', '"active_jobs":{}', 'active_jobs is not a number'],
    ['a list that is too long', `"gpu_usage":[${'1,'.repeat(1_024)}1]`, 'gpu_usage is not a list of numbers'],
    ['null in a list', '"gpu_usage":[null]', 'gpu_usage is not a list of numbers'],
    ['an infinite number in a list', '"gpu_usage":[1e999]', 'gpu_usage is not a list of numbers'],
    ['a name that is too long', `"node_name":"${'x'.repeat(254)}"`, 'node_name is not acceptable'],
    ['an unknown status', '"status":"\\u0000"', 'status is not one that is known'],
  ])('a heartbeat with %s is rejected', (_what, field, reason) => {
    expect(beat(`,${field}`)).toBe(reason);
  });

  test('a heartbeat with unknown fields, however deep, is read like any other', () => {
    const deep = `,"deep":${'['.repeat(30_000)}${']'.repeat(30_000)},"__proto__":{"cpu_usage":"x"}`;
    expect(beat(deep)).toMatchObject({ providerId: 'prov-1', telemetry: { cpu_usage: 0 } });
    expect(beat(',"gpu_usage":null,"cpu_usage":null,"node_name":null')).toMatchObject({ telemetry: { gpu_usage: [] } });
  });
});

/** What nobody is shown, as `wireValue` says: a program gets it as it is. */
const notShown = ['mining_config.extra_args', 'mining_config.bootnodes', 'mining_config.env_vars'];
const marks = ['\u001b[2J', '\n', '\r', '\u202e', '\u{e0041}', '\u200b', '\u009b', '\u2028', '\u2066', '\ufeff'];
const machine = simulatedMachine({ providerId: 'prov-1', gpus: { model: 'NVIDIA GeForce RTX 4090', count: 1 } });
const kinds = [
  ['registration', registrationSchema, registrationMessage(machine)],
  ['capacity', capacityUpdateSchema, { ...registrationMessage(machine), node_name: 'n' }],
] as const;

describe.each(kinds)('every field of a %s', (_kind, schema, good) => {
  const fields = fieldsOf(schema).filter((path) => !notShown.some((name) => path.join('.').startsWith(name)));

  test('this test knows the fields of the message', () => {
    expect(fields.length).toBeGreaterThan(15);
    expect(schema.safeParse(good).success).toBe(true);
  });

  test.each(fields.map((path) => [path.join('.'), path] as const))(
    'the field can be shown once it was read: %s',
    (_name, path) => {
      for (const mark of marks) {
        const found = valueAt(good, path);
        for (const text of [mark, `${typeof found === 'string' ? found : 'x'}${mark}x`]) {
          const { data } = schema.safeParse(withValueAt(good, path, text));
          expect(textsIn(data).filter((shown) => unprintable.test(shown))).toEqual([]);
          // And where it is the name of an entry.
          if (path.at(-1) !== anyName) continue;
          const named = schema.safeParse(withValueAt(good, [...path.slice(0, -1), `n${mark}`], 1));
          expect(textsIn(named.data).filter((shown) => unprintable.test(shown))).toEqual([]);
        }
      }
    },
  );
});

test('every field of a heartbeat can be shown once it was read', () => {
  const good = { ...heartbeatMessage(machine, 'n') } as Record<string, unknown>;
  expect(Object.keys(good).length).toBeGreaterThan(5);
  for (const name of Object.keys(good)) {
    for (const mark of marks) {
      const read = readHeartbeat(JSON.stringify({ ...good, [name]: `${String(good[name])}${mark}x` }));
      expect(textsIn(read).filter((shown) => unprintable.test(shown))).toEqual([]);
    }
  }
});
