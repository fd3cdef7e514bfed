import { describe, expect, test } from '@jest/globals';
import { formProblems, placed } from '../../console/rent/form-problems.js';
import { addressChange, emptyForm, orderOf, quoteOrderOf, type OrderForm } from '../../console/rent/order-form.js';
import { openedPorts, portPriceText, portProblems, portsOf, type FormPort } from '../../console/rent/ports.js';
import { emptyProgram, programFieldsOf, programProblems, wordsOf } from '../../console/rent/program.js';
import { runsSomething, templateCards } from '../../console/rent/templates.js';
import type { MarketType, Site } from '../../src/client/shapes.js';
import type { Template } from '../../src/client/types.generated.js';
import { jobRequestSchema, quoteRequestSchema } from '../../src/domain/job-request.js';
import { shippedTemplates } from '../../src/domain/shipped-templates.js';

const site: Pick<Site, 'jobs'> = {
  jobs: {
    default_image: 'docker.io/library/ubuntu:24.04',
    min_duration_s: 60,
    max_duration_s: 2_592_000,
    defaults: { cpu_cores: 4, memory_gb: 16, storage_gb: 20, duration_hours: 1 },
    image_allowlist: [],
    templates: shippedTemplates.map(({ id, name, image }) => ({ id, name, image })),
    ports: { most: 10, free: 2, price_per_hour: '0.002', most_per_wallet: 100 },
  },
};
const policy = {
  defaultImage: site.jobs.default_image,
  images: { allowlist: [], requireDigest: false },
  templates: shippedTemplates,
  minDurationS: 60,
  maxDurationS: 2_592_000,
};
const form = (changes: Partial<OrderForm> = {}): OrderForm => ({
  ...emptyForm(site, 'calm-otter'),
  ...{ gpu: 'rtx-4090', savedKeys: ['6f0f7a0e-7b8f-4b53-9d0e-1a2b3c4d5e6f'] },
  ...changes,
});
const taken = (order: unknown) => jobRequestSchema(policy).parse(order);
let id = 0;
const port = (number: string, name = '', protocol: FormPort['protocol'] = 'http'): FormPort => ({
  ...{ id: ++id, port: number, name, protocol },
});

describe('an order by a template', () => {
  test('names it and leaves its image to the broker; a site’s default is its image', () => {
    const order = orderOf(form({ template: 'jupyter' }), site, true)!;
    expect(order).toMatchObject({ template: 'jupyter' });
    expect(order).not.toHaveProperty('image');
    expect(taken(order)).toMatchObject({ ports: [{ port: 8888, name: 'jupyter', protocol: 'http' }] });
    expect(orderOf(form(), site)).toMatchObject({ image: site.jobs.default_image });
    expect(orderOf(form(), site)).not.toHaveProperty('template');
  });

  test('is priced by it, because it opens ports and needs something of the machine', () => {
    const quoted = quoteOrderOf(form({ template: 'vllm' }))!;
    expect(quoted).toMatchObject({ template: 'vllm' });
    expect(quoteRequestSchema(policy).safeParse(quoted).success).toBe(true);
  });

  test('adds its own ports to those of the template, or opens none at all', () => {
    const ports = [port('6006', 'board')];
    expect(taken(orderOf(form({ template: 'jupyter', ports }), site, true)).ports).toHaveLength(2);
    expect(orderOf(form({ template: 'jupyter', ports, opensNone: true }), site, true)!.ports).toEqual([]);
  });

  test('takes further arguments for the program of the template', () => {
    const program = { ...emptyProgram, args: 'org/model --max-model-len 4096' };
    const order = orderOf(form({ template: 'vllm', program }), site, true)!;
    expect(order.args).toEqual(['org/model', '--max-model-len', '4096']);
    expect(taken(order)).toMatchObject({ program: { args: ['org/model', '--max-model-len', '4096'] } });
    // Without a program there is nothing that they could be of.
    expect(orderOf(form({ program }), site)).not.toHaveProperty('args');
  });
});

describe('the cards of templates', () => {
  const template: Template = {
    ...{ id: 'vllm', name: 'vLLM', description: 'A server', image: 'docker.io/vllm/vllm-openai:v0.11.0', env: {} },
    command: ['vllm', 'serve'],
    ports: [{ port: 8000, name: 'api', protocol: 'http' }],
    needs: { min_vram_gb: 16, min_cuda: '12.8' },
  };
  const type = (gpu_type: string, vram: number): MarketType => ({
    ...{ gpu_type, name: gpu_type, aliases: [], vram_gb: [vram], total: 1, free: 1, most_at_one_provider: 1 },
    ...{ providers: 1, price: null },
  });
  const cards = (changes: Partial<OrderForm>, details = [template]) =>
    templateCards(site, details, form(changes), [type('rtx-4090', 24), type('gtx-1060', 6)]);
  const ofVllm = (changes: Partial<OrderForm>) => cards(changes).find((card) => card.id === 'vllm')!;

  test('say what a template opens and needs, and why the chosen GPUs do not do', () => {
    expect(ofVllm({})).toMatchObject({ facts: 'opens 8000 · 16 GB of GPU memory · CUDA 12.8', misfit: undefined });
    expect(ofVllm({ gpu: 'gtx-1060' }).misfit).toBe('Needs 16 GB of GPU memory; these have 6 GB');
    expect(ofVllm({ count: '0' }).misfit).toBe('Needs a GPU with 16 GB');
    expect(ofVllm({ gpu: 'unknown' }).misfit).toBeUndefined();
  });

  test('begin with the site’s default, end with an image of one’s own, and are there before their details are', () => {
    const ids = cards({}, []).map((card) => card.id);
    expect(ids).toEqual(['·site', ...site.jobs.templates.map((each) => each.id), 'own']);
  });

  test('a page that no port is opened for is said to be behind SSH', () => {
    const hidden = { ...template, ports: [], needs: {}, page: { port: 8188, path: '/' } };
    expect(cards({}, [hidden]).find((card) => card.id === 'vllm')!.facts).toBe('page on 8188 through SSH');
    expect([runsSomething(template), runsSomething({ ...hidden, command: undefined } as never)]).toEqual([true, false]);
  });
});

describe('ports of an order', () => {
  test('are those that were filled in', () => {
    expect(portsOf([port('8888'), port('', ''), port('53', 'dns', 'udp')])).toEqual([
      { port: 8888, protocol: 'http' },
      { port: 53, name: 'dns', protocol: 'udp' },
    ]);
  });

  test.each([
    ['http', '', 'A port is a number from 1 to 65535.'],
    ['0', '', 'A port is a number from 1 to 65535.'],
    ['65536', '', 'A port is a number from 1 to 65535.'],
    ['', 'web', 'A port is a number from 1 to 65535.'],
    ['22', '', '22 is for SSH.'],
    ['2222', '', '2222 is for SSH.'],
    ['80', 'ssh', 'ssh is the name of the login.'],
    ['80', 'My Port', 'A name has small letters, digits and hyphens, and begins and ends with none.'],
  ])('%s %s is wrong: %s', (number, name, why) => {
    expect([...portProblems([port(number, name)]).values()]).toEqual([why]);
  });

  test('that are there twice are wrong at the second, and rows that are wrong are not priced', () => {
    const ports = [port('80', 'web'), port('80'), port('81', 'web')];
    expect([...portProblems(ports).values()]).toEqual(['80 is there twice.', 'web is there twice.']);
    expect(quoteOrderOf(form({ ports }))!.ports).toEqual([{ port: 80, name: 'web', protocol: 'http' }]);
    expect(formProblems(form({ ports }), site).ports).toBe('80 is there twice.');
  });

  test('take the place of those of a template with the same number or name', () => {
    const ofTemplate = [{ port: 8888, name: 'jupyter', protocol: 'http' } as const];
    expect(openedPorts([], ofTemplate)).toBe(1);
    expect(openedPorts([port('6006')], ofTemplate)).toBe(2);
    expect(openedPorts([port('8888', 'mine')], ofTemplate)).toBe(1);
    expect(openedPorts([port('9999', 'jupyter'), port('')], ofTemplate)).toBe(1);
  });

  test('cost what the site says', () => {
    expect(portPriceText(site.jobs.ports, 'WLC')).toBe('2 are free, each further one costs 0.002 WLC an hour.');
    expect(portPriceText({ ...site.jobs.ports, free: 0 }, 'WLC')).toBe('Each costs 0.002 WLC an hour.');
    expect(portPriceText({ ...site.jobs.ports, price_per_hour: '0' }, 'WLC')).toBe('They cost nothing.');
  });
});

describe('the main program of an order', () => {
  test('is a line for the shell of the image, or the words of the line where it has none', () => {
    const program = { ...emptyProgram, runs: 'command' as const, command: 'echo "$HOME" && sleep 1' };
    expect(programFieldsOf(program, false)).toEqual({ command: ['sh', '-c', 'echo "$HOME" && sleep 1'] });
    const bare = { ...program, command: `/server --name 'two words'`, isShellLess: true, restart: 'on_failure' };
    expect(programFieldsOf(bare, false)).toEqual({
      command: ['/server', '--name', 'two words'],
      restart: 'on_failure',
    });
  });

  test('is what the image runs, with its own arguments, and may end the job unless it is always started again', () => {
    const program = { ...emptyProgram, runs: 'image' as const, args: '--port 80', workdir: ' /srv ', endsJob: true };
    const fields = programFieldsOf(program, false);
    expect(fields).toEqual({ entrypoint: 'image', args: ['--port', '80'], workdir: '/srv', end_with_command: true });
    expect(taken(orderOf(form({ program }), site))).toMatchObject({ program: { endsJob: true } });
    expect(programFieldsOf({ ...program, restart: 'always' }, false)).not.toHaveProperty('end_with_command');
  });

  test.each([
    [`a  b\tc`, ['a', 'b', 'c']],
    [`'a b' "c d"`, ['a b', 'c d']],
    [`a'b'"c"d`, ['abcd']],
    [String.raw`a\ b "x\"y" 'z\'`, ['a b', 'x"y', 'z\\']],
    [`''`, ['']],
    [`  `, []],
  ])('the words of %s are %j', (line, words) => expect(wordsOf(line)).toEqual(words));

  test('that is not whole is said beside its field', () => {
    const command = { ...emptyProgram, runs: 'command' as const };
    expect(programProblems(command)).toEqual({ command: 'What is to be run?' });
    expect(programProblems({ ...command, command: `a 'b`, isShellLess: true }).command).toContain('not closed');
    expect(programProblems({ ...emptyProgram, runs: 'image', args: '"a' }).args).toContain('not closed');
    expect(programProblems({ ...emptyProgram, workdir: 'srv' }).workdir).toContain('begins with /');
    expect(programProblems(emptyProgram)).toEqual({});
  });
});

describe('the login at a registry', () => {
  const own = { template: 'own', image: 'registry.example.com/team/model:3' };
  const login = { registryUser: 'robot', registryPassword: 'a-secret-of-mine' };

  test('goes along with the order of one’s own image, and into no quote and no address', () => {
    const filled = form({ ...own, ...login });
    expect(taken(orderOf(filled, site)!).registryAuth).toEqual({ username: 'robot', password: 'a-secret-of-mine' });
    expect(JSON.stringify(quoteOrderOf(filled))).not.toContain('secret');
    expect(JSON.stringify(addressChange(filled, emptyForm(site, 'a')))).not.toMatch(/secret|robot/);
    // Who chooses a template after all sends no login with it.
    expect(orderOf(form({ ...login, template: 'jupyter' }), site)).not.toHaveProperty('registry_auth');
  });

  test('is both or none, and what is wrong with it repeats neither', () => {
    const problems = (changes: Partial<OrderForm>) => formProblems(form({ ...own, ...login, ...changes }), site);
    expect(problems({})).toEqual({});
    expect(problems({ registryUser: '' })).toEqual({ registryUser: 'The name that the password belongs to.' });
    expect(problems({ registryPassword: '' })).toEqual({
      registryPassword: 'The password or token of this name.',
    });
    expect(problems({ registryUser: 'a:b' }).registryUser).toContain('no colon');
    expect(problems({ registryPassword: 'a\u00e9b' }).registryPassword).not.toContain('a\u00e9b');
  });

  test('what the broker says of it stands beside its two fields', () => {
    expect(
      placed([
        { field: 'registry_auth.password', message: 'must not be empty' },
        { field: 'registry_auth', message: 'needs an image that it is for' },
        { field: 'ports.0.port', message: 'is reserved for SSH' },
        { field: 'entrypoint', message: 'cannot be given together with command' },
      ]).problems,
    ).toEqual({
      registryPassword: 'Must not be empty.',
      registryUser: 'Needs an image that it is for.',
      ports: 'Is reserved for SSH.',
      command: 'Cannot be given together with command.',
    });
  });
});
