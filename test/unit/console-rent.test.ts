import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { meantBy, meantNow, placedAt } from '../../console/rent/complete-order.js';
import { endText } from '../../console/rent/duration.js';
import { firstPlace, formProblems, placed, typedProblems } from '../../console/rent/form-problems.js';
import {
  addressChange,
  emptyForm,
  formOfAddress,
  imageOf,
  numberOf,
  orderOf,
  quoteOrderOf,
  type OrderForm,
} from '../../console/rent/order-form.js';
import { alternativesOf, machinesText, refusalsOf } from '../../console/rent/remedies.js';
import { inspectKeys, isSameKey, keyLabel, keyName } from '../../console/parts/ssh-keys.js';
import { looksSecret, readEnvLines, variableProblems } from '../../console/rent/variables.js';
import type { MarketType, Quote, Site, WhyNot } from '../../src/client/shapes.js';
import { jobRequestSchema, quoteRequestSchema } from '../../src/domain/job-request.js';

const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@laptop';
const site: Pick<Site, 'jobs'> = {
  jobs: {
    default_image: 'docker.io/library/ubuntu:24.04',
    min_duration_s: 60,
    max_duration_s: 2_592_000,
    defaults: { cpu_cores: 4, memory_gb: 16, storage_gb: 20, duration_hours: 1 },
    image_allowlist: [],
    templates: [
      { id: 'pytorch', name: 'PyTorch', image: 'docker.io/pytorch/pytorch:2.9.0' },
      { id: 'cuda', name: 'CUDA', image: 'docker.io/nvidia/cuda:12.4.1-devel-ubuntu22.04' },
    ],
    ports: { most: 10, free: 2, price_per_hour: '0.002', most_per_wallet: 100 },
  },
};
const policy = {
  defaultImage: site.jobs.default_image,
  images: { allowlist: [], requireDigest: false },
  templates: [],
  minDurationS: 60,
  maxDurationS: 2_592_000,
};
const empty = emptyForm(site, 'calm-otter');
const form = (changes: Partial<OrderForm> = {}): OrderForm => ({ ...empty, gpu: 'rtx-4090', ...changes });

function rsaLine(modulusLength: number): string {
  const { n, e } = generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' });
  const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
  const integer = (text: string) => part(Buffer.concat([Buffer.from([0]), Buffer.from(text, 'base64url')]));
  const blob = Buffer.concat([part(Buffer.from('ssh-rsa')), part(Buffer.from(e!, 'base64url')), integer(n!)]);
  return `ssh-rsa ${blob.toString('base64')}`;
}

describe('keys that are pasted or come from a file', () => {
  test('public keys are told by kind and comment, once each', () => {
    const found = inspectKeys(`# mine\n${ed25519}\r\n\n${ed25519}\n${rsaLine(2048)}`);
    expect(found).toMatchObject({
      is: 'keys',
      keys: [
        { line: ed25519, kind: 'ED25519', comment: 'me@laptop' },
        { kind: 'RSA 2048', comment: '' },
      ],
    });
    const keys = found.is === 'keys' ? found.keys : [];
    expect(keys.map(keyLabel)).toEqual(['ED25519, me@laptop', 'RSA 2048']);
    expect(keys.map(keyName)).toEqual(['me@laptop', 'rsa-2048']);
  });

  test.each([
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----'],
    ['a private key', generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string],
    ['a private key', 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB'],
    ['a private key', `${ed25519}\n-----BEGIN RSA PRIVATE KEY-----`],
    ['a private key of PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none'],
    ['the private key of a wallet', `0x${'ab'.repeat(32)}`],
    ['the private key of a wallet', ` ${'0'.repeat(63)}1 \n`],
    ['the key file of a wallet', '{"version":3,"crypto":{"cipher":"aes-128-ctr"}}'],
    ['the recovery phrase of a wallet', 'test test test test test test test test test test test junk'],
  ])('%s is caught', (what, text) => expect(inspectKeys(text)).toEqual({ is: 'secret', what }));

  test.each([
    ['hello', /begins with its type/],
    [`no-pty ${ed25519}`, /without options/],
    ['ssh-ed25519', /not whole/],
    [ed25519.slice(0, 60), /not whole|cut off/],
    [ed25519.replace('AAAAC3NzaC1lZDI1NTE5', 'AAAAB3NzaC1yc2EAAAAD'), /cut off|another type/],
    [ed25519.replace('ssh-ed25519', 'ssh-rsa'), /of another type/],
    [rsaLine(1024), /at least 2048 bits; this one has 1024/],
    [Array.from({ length: 11 }, () => ed25519).join('\n'), /more than 10/],
    ['---- BEGIN SSH2 PUBLIC KEY ----', /RFC 4716/],
  ])('%s is not taken, with a reason', (text, why) => {
    const found = inspectKeys(text);
    expect(found.is).toBe('unusable');
    expect(found.is === 'unusable' && found.why).toMatch(why);
  });

  test('the same key is known by any comment', () => {
    expect(isSameKey(ed25519, ed25519.replace('me@laptop', 'other'))).toBe(true);
    expect(isSameKey(ed25519, ed25519.replace('KJl', 'KJk'))).toBe(false);
  });

  test('an empty field is nothing', () => expect(inspectKeys(' \n')).toEqual({ is: 'nothing' }));
});

describe('the form and the address', () => {
  /** The query of the page's address, as the router makes it. */
  const queryOf = (changed: OrderForm) =>
    new URLSearchParams(
      Object.entries(addressChange(changed, empty)).filter((part): part is [string, string] => !!part[1]),
    );

  test('a link fills the form, by the id of a template or by its image', () => {
    const filled = formOfAddress(new URLSearchParams('gpu=l40s&count=2&image=cuda&price=0.5'), empty, site);
    expect(filled).toMatchObject({ gpu: 'l40s', count: '2', template: 'cuda', maxPrice: '0.5', hours: '1' });
    const image = site.jobs.templates[1]!.image;
    expect(formOfAddress(new URLSearchParams({ image }), empty, site).template).toBe('cuda');
    expect(formOfAddress(new URLSearchParams('image=me/mine'), empty, site)).toMatchObject({
      template: 'own',
      image: 'me/mine',
    });
  });

  test('what is written into the address is read from it again', () => {
    const changed = form({
      count: '2',
      hours: '4',
      provider: 'atlas',
      region: 'kr',
      template: 'own',
      image: 'me/mine',
    });
    expect(formOfAddress(queryOf(changed), empty, site)).toEqual(changed);
  });

  test('variables, keys and the suggested name are never in the address', () => {
    const changed = form({
      variables: [{ id: 1, name: 'HF_TOKEN', value: 'hf_abc' }],
      newKeys: [{ line: ed25519, kind: 'ED25519', comment: '' }],
    });
    expect(queryOf(changed).toString()).toBe('gpu=rtx-4090');
  });
});

describe('the order that a form makes', () => {
  const full = form({
    count: '2',
    hours: '1,5',
    minVram: '24',
    minCuda: '12.4',
    maxPrice: '2',
    newKeys: [{ line: ed25519, kind: 'ED25519', comment: 'me@laptop' }],
    savedKeys: ['6f0f7a0e-7b8f-4b53-9d0e-1a2b3c4d5e6f'],
    variables: [
      { id: 1, name: ' MODEL ', value: ' llama ' },
      { id: 2, name: '', value: '' },
    ],
  });

  test('the broker takes it as it is', () => {
    const order = orderOf(full, site)!;
    const read = jobRequestSchema(policy).parse(order);
    expect(read).toMatchObject({ gpuCount: 2, durationSeconds: 5400, jobName: 'calm-otter', minVramGb: 24 });
    expect(read.env).toEqual({ MODEL: ' llama ' });
    expect(read.sshPublicKeys).toEqual([ed25519]);
  });

  test('a quote is asked for without variables, keys, image and name', () => {
    const asked = quoteOrderOf(full)!;
    expect(quoteRequestSchema(policy).safeParse(asked).success).toBe(true);
    expect(JSON.stringify(asked)).not.toMatch(/llama|ssh-|pytorch|otter/);
  });

  test('a machine that stands for a region is named', () => {
    expect(quoteOrderOf(full, 'borealis')).toMatchObject({ provider_id: 'borealis' });
    expect(quoteOrderOf(full)).not.toHaveProperty('provider_id');
  });

  test('without GPUs nothing of GPUs is asked', () => {
    const order = orderOf({ ...full, count: '0' }, site)!;
    expect(jobRequestSchema(policy).safeParse(order).success).toBe(true);
    expect(order).not.toHaveProperty('gpu_type');
  });

  test('there is none while a number is not one', () => {
    for (const changes of [{ count: 'two' }, { hours: '' }, { maxPrice: '-1' }, { memory: '1e9' }]) {
      expect(quoteOrderOf({ ...full, ...changes })).toBeUndefined();
    }
    expect(numberOf('0,5')).toBe(0.5);
    expect(imageOf(form({ template: 'gone' }), site)).toBe(site.jobs.default_image);
  });
});

describe('what is wrong with a form', () => {
  test('nothing is wrong with a form that is filled in', () => {
    expect(formProblems(form({ savedKeys: ['1'] }), site)).toEqual({});
  });

  test('each field has its own sentence, and the first on the page is first', () => {
    const problems = formProblems(
      form({ count: '1.5', cpu: '', memory: '0', hours: '721', template: 'own', maxPrice: 'much', minCuda: 'x' }),
      site,
    );
    expect(problems).toEqual({
      count: 'A whole number of GPUs.',
      cpu: 'How many cores?',
      memory: 'More than 0 GB.',
      hours: 'At most 30 d.',
      image: 'Name an image, such as docker.io/library/ubuntu:24.04.',
      keys: 'Choose a key, or add one: without a key nobody could log in.',
      maxPrice: 'A price is a number, such as 0.5.',
      minCuda: 'A version, such as 12.4.',
    });
    expect(firstPlace(problems)).toBe('count');
    expect(formProblems(form({ hours: '0.001' }), site).hours).toBe('At least 1 min.');
  });

  test('while somebody types, only figures that are no numbers are called wrong', () => {
    const settled = form({ count: 'two', cpu: '', hours: 'x' });
    expect(typedProblems(settled, { ...settled, hours: '1' }, site)).toEqual({ count: 'A whole number of GPUs.' });
  });

  test('what the broker says of fields stands beside them', () => {
    const { problems, rest } = placed([
      { field: 'gpu_type', message: 'is no GPU that is known here' },
      { field: 'env.1', message: 'the name must match' },
      { field: 'ssh_public_keys.0', message: 'is a private key' },
      { field: 'shm_gb', message: 'is too much' },
      { field: 'toString', message: 'is odd' },
    ]);
    expect(problems).toEqual({
      gpu: 'Is no GPU that is known here.',
      variables: '1: the name must match.',
      keys: 'Is a private key.',
    });
    expect(rest).toEqual(['shm_gb: is too much', 'toString: is odd']);
    expect(firstPlace({})).toBeUndefined();
  });

  test('variables need names that a shell knows, each once', () => {
    const problems = variableProblems([
      { id: 1, name: 'A', value: '' },
      { id: 2, name: 'A', value: '1' },
      { id: 3, name: '1A', value: '' },
      { id: 4, name: '', value: 'x' },
      { id: 5, name: '', value: '' },
    ]);
    expect([...problems.keys()]).toEqual([2, 3, 4]);
    expect([...problems.values()].join()).not.toContain('x,');
  });
});

describe('variables of the environment', () => {
  test.each([
    ['HF_TOKEN', '', true],
    ['AWS_SECRET_ACCESS_KEY', '', true],
    ['MODEL', 'hf_abcdefghijk', true],
    ['DATABASE_URL', 'postgres://me:pass@host/db', true],
    ['MODEL', 'llama', false],
    ['TOKENIZER', 'fast', false],
    ['URL', 'https://example.org/a', false],
  ])('%s=%s is hidden: %s', (name, value, isSecret) => expect(looksSecret({ name, value })).toBe(isSecret));

  test('the lines of a .env file become variables', () => {
    expect(readEnvLines('# a\nexport A=1\nB = "two words"\n\nC=\'x=y\'\n')).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: 'two words' },
      { name: 'C', value: 'x=y' },
    ]);
    expect(readEnvLines('hello')).toBeUndefined();
    expect(readEnvLines('A=1\nhello')).toBeUndefined();
    expect(readEnvLines('')).toBeUndefined();
  });
});

describe('an order that nobody takes', () => {
  const quote = (reasons: Partial<WhyNot>[], isEach: boolean): Quote => ({
    can_start: false,
    price_per_hour: null,
    cost: null,
    currency: { symbol: 'WLC', decimals: 18 },
    offers: [],
    why_not: reasons.map((reason) => ({ limit: '', asked: null, nearest: null, text: 'no', ...reason })),
    why_not_each: isEach,
    binding: false,
    ...{ fee_bps: 0, rate_per_hour: null, total: null, quote_id: null, expires_at: null },
  });

  test.each([
    [{ limit: 'gpu_count', nearest: 4 }, 'Take 4 GPUs', { count: '4' }],
    [{ limit: 'gpu_count', nearest: 1 }, 'Take 1 GPU', { count: '1' }],
    [{ limit: 'cpu_cores', nearest: 8 }, 'Take 8 cores', { cpu: '8' }],
    [{ limit: 'memory_gb', nearest: 31.7 }, 'Take 31 GB of memory', { memory: '31' }],
    [{ limit: 'storage_gb', nearest: 100 }, 'Take 100 GB of disk', { disk: '100' }],
    [{ limit: 'max_price_per_hour', nearest: 4.05 }, 'Allow 4.05 an hour', { maxPrice: '4.05' }],
    [{ limit: 'min_vram_gb', nearest: 24 }, 'Take 24 GB of GPU memory', { minVram: '24' }],
    [{ limit: 'min_cuda', nearest: '12.4' }, 'Take CUDA 12.4', { minCuda: '12.4' }],
    [{ limit: 'duration_hours', nearest: 2.5 }, 'Rent for 2 h 30 min', { hours: '2.5' }],
    [{ limit: 'provider_id', nearest: null }, 'Ask every provider', { provider: '', region: '' }],
  ])('%j has one click: %s', (reason, label, change) => {
    expect(refusalsOf(quote([reason], true)).refusals).toEqual([{ text: 'No.', remedy: { label, change } }]);
  });

  test.each([
    { limit: 'gpu_count', nearest: 0 },
    { limit: 'provider_status', nearest: null },
    { limit: 'memory_gb', nearest: 0.5 },
    { limit: 'gpu_type', nearest: 'NVIDIA L40S' },
  ])('%j has none', (reason) => {
    expect(refusalsOf(quote([reason], true)).refusals[0]!.remedy).toBeUndefined();
  });

  test('where only all together help, one click changes all of them', () => {
    const both = [
      { limit: 'gpu_count', nearest: 4 },
      { limit: 'max_price_per_hour', nearest: 4.05 },
    ];
    expect(refusalsOf(quote(both, false))).toEqual({
      refusals: [
        { text: 'No.', remedy: undefined },
        { text: 'No.', remedy: undefined },
      ],
      together: { label: 'Take 4 GPUs, and allow 4.05 an hour', change: { count: '4', maxPrice: '4.05' } },
    });
    const one = [both[0]!, { limit: 'provider_status' }];
    expect(refusalsOf(quote(one, false)).together).toBeUndefined();
  });

  test('other types are named of which enough are free at one provider, cheapest first', () => {
    const type = (gpu_type: string, most: number, min: number): MarketType => ({
      ...{ gpu_type, name: gpu_type.toUpperCase(), aliases: [], vram_gb: [], total: 9, free: most, providers: 1 },
      most_at_one_provider: most,
      price: { min, median: min, max: min },
    });
    const types = [type('a', 4, 2), type('b', 4, 1), type('c', 1, 0.1), type('rtx-4090', 8, 0.1)];
    const found = alternativesOf({ gpu: 'rtx-4090', count: '2' }, types);
    expect(found.map(({ label }) => label)).toEqual(['B, 4 free, from 1.00', 'A, 4 free, from 2.00']);
    expect(found[0]!.change).toMatchObject({ gpu: 'b', provider: '' });
  });

  test('how many machines could take it', () => {
    const offers = (count: number) => Array.from<Quote['offers'][number]>({ length: count });
    expect(machinesText({ can_start: true, offers: offers(1) })).toBe('1 machine can take this now');
    expect(machinesText({ can_start: true, offers: offers(5) })).toBe('5 machines or more can take this now');
    expect(machinesText({ can_start: false, offers: [] })).toBe('No machine can take this now');
  });
});

describe('what the page finds by itself for an order', () => {
  const kept = async () => 'saved';
  const meant = async (changes: Partial<OrderForm>) => {
    const made = await meantBy(form({ savedKeys: ['1'], ...changes }), site, kept);
    if ('missing' in made) throw new Error(made.text);
    return made;
  };

  test('a key that the wallet keeps stands in for one that was not chosen', async () => {
    expect(await meantBy(form(), site, kept)).toMatchObject({ order: { ssh_key_ids: ['saved'] } });
    expect(await meantBy(form(), site, async () => undefined)).toMatchObject({ missing: 'keys' });
  });

  test('a region is the machine whose price is shown, and the order is the same order at another one', async () => {
    const inKorea = await meant({ region: 'kr' });
    expect(placedAt(inKorea, 'borealis')).toMatchObject({ provider_id: 'borealis' });
    expect(placedAt(inKorea, 'atlas')).toMatchObject({ provider_id: 'atlas' });
    expect(inKorea).toEqual(meantNow(form({ savedKeys: ['1'], region: ' kr ' }), site));
    expect(await meant({ region: 'us' })).not.toEqual(inKorea);
  });

  test('a region in which nobody takes it is no order, and a named provider is asked wherever it is', async () => {
    expect(placedAt(await meant({ region: 'kr' }), undefined)).toMatchObject({ missing: 'region' });
    expect(placedAt(await meant({ region: 'kr', provider: 'atlas' }), undefined)).toMatchObject({
      provider_id: 'atlas',
    });
  });
});

describe('times', () => {
  test('the end is said as people say it', () => {
    const now = Date.parse('2026-11-27T17:51:00Z');
    expect(endText(4, now, 'UTC')).toBe('21:51');
    expect(endText(8, now, 'UTC')).toBe('tomorrow at 01:51');
    expect(endText(120, now, 'UTC')).toBe('Wed 2 December at 17:51');
    expect(endText(Infinity, now)).toBe('');
  });
});
