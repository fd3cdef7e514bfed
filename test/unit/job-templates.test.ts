import { describe, expect, test } from '@jest/globals';
import { fieldProblems } from '../../src/api/problem.js';
import { templatesReply, templatesReplyOf } from '../../src/api/schemas/template.js';
import { ConfigError, readConfig } from '../../src/config.js';
import { jobRequestSchema, quoteRequestSchema, type JobPolicy } from '../../src/domain/job-request.js';
import { allowedTemplates, readTemplates, type JobTemplate } from '../../src/domain/job-templates.js';
import { shippedTemplates } from '../../src/domain/shipped-templates.js';

const notebook = {
  id: 'notebook',
  name: 'Notebook',
  description: 'A notebook.',
  image: 'docker.io/me/notebook:1',
  command: ['notebook', '--all'],
  args: ['--port', '8888'],
  restart: 'on_failure',
  env: { MODE: 'lab', COLOUR: 'blue' },
  ports: [
    { port: 8888, name: 'notebook' },
    { port: 6006, name: 'board' },
  ],
  needs: { min_vram_gb: 16, min_cuda: '12.4' },
  page: { port: 8888, path: '/lab' },
  token: { variable: 'TOKEN', used_as: 'query', query: 'token' },
};
const read = (...templates: unknown[]) => readTemplates(JSON.stringify({ templates }));
const [template] = read(notebook).templates as [JobTemplate];
const policy: JobPolicy = {
  defaultImage: 'docker.io/library/ubuntu:24.04',
  images: { allowlist: [], requireDigest: false },
  templates: [template],
  minDurationS: 60,
  maxDurationS: 3_600_000,
};
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const orderOf = (body: object) =>
  jobRequestSchema(policy).parse({ template: 'notebook', ssh_public_keys: [key], ...body });
const refused = (body: object) =>
  fieldProblems(quoteRequestSchema(policy).safeParse({ template: 'notebook', ...body }).error?.issues ?? []).map(
    ({ field, message }) => `${field} ${message}`,
  );

describe('an order by a template', () => {
  test('an order that names a template alone has everything of it', () => {
    expect(orderOf({})).toMatchObject({
      image: 'docker.io/me/notebook:1',
      program: { command: ['notebook', '--all'], args: ['--port', '8888'], restart: 'on_failure', endsJob: false },
      env: { MODE: 'lab', COLOUR: 'blue' },
      ports: [
        { port: 8888, name: 'notebook', protocol: 'http' },
        { port: 6006, name: 'board', protocol: 'http' },
      ],
      ...{ minVramGb: 16, minCuda: 12_004 },
      template: {
        id: 'notebook',
        page: { port: 8888, path: '/lab' },
        token: { variable: 'TOKEN', usedAs: 'query', query: 'token' },
      },
    });
  });

  test('what an order says itself wins over its template', () => {
    expect(
      orderOf({ image: 'docker.io/me/other:2', min_vram_gb: 24, min_cuda: '12.8', restart: 'never', workdir: '/data' }),
    ).toMatchObject({
      ...{ image: 'docker.io/me/other:2', minVramGb: 24, minCuda: 12_008 },
      program: { command: ['notebook', '--all'], restart: 'never', workdir: '/data' },
    });
  });

  test('arguments of an order take the place of those of the template, and a program of its own that of the whole program', () => {
    expect(orderOf({ args: ['--quiet'] }).program).toMatchObject({ command: ['notebook', '--all'], args: ['--quiet'] });
    expect(orderOf({ command: ['bash'] }).program).toEqual({
      ...{ command: ['bash'], args: [], restart: 'never', endsJob: false },
    });
    const ofImage = orderOf({ entrypoint: 'image' }).program;
    expect([ofImage?.command, ofImage?.args]).toEqual([undefined, []]);
  });

  test('variables and ports of an order are added to those of the template, and win over the same ones', () => {
    expect(orderOf({ env: { COLOUR: 'red', MINE: '1' } }).env).toEqual({ MODE: 'lab', COLOUR: 'red', MINE: '1' });
    expect(orderOf({ ports: [{ port: 6006, name: 'logs', protocol: 'tcp' }, { port: 9_000 }] }).ports).toEqual([
      { port: 6006, name: 'logs', protocol: 'tcp' },
      { port: 9_000, name: 'port-9000', protocol: 'http' },
      { port: 8888, name: 'notebook', protocol: 'http' },
    ]);
    // Another port for the same thing.
    expect(orderOf({ ports: [{ port: 9_000, name: 'notebook' }] }).ports!.map(({ port }) => port)).toEqual([
      9_000, 6006,
    ]);
    expect(orderOf({ ports: [] }).ports).toBeUndefined();
  });

  test('a token that the order brings itself is the customer’s, and none is made', () => {
    expect(orderOf({ env: { TOKEN: 'my own' } }).template).toEqual({ id: 'notebook', page: template.page });
  });

  test('a template that nobody has is refused by name, with the one that was meant', () => {
    expect(refused({ template: 'notebok' })).toEqual([expect.stringMatching(/^template .*did you mean notebook/)]);
    expect(refused({ template: '\0' })).toEqual([expect.stringMatching(/^template is no template/)]);
    expect(refused({ template: 7 })).toEqual([expect.stringMatching(/^template /)]);
  });

  test('a template that needs a GPU is refused for an order without one, and a need of CUDA alone is dropped', () => {
    expect(refused({ gpu_count: 0 })).toEqual(['template needs a gpu_count of at least 1']);
    const [plain] = read({ ...notebook, needs: { min_cuda: '12.4' } }).templates as [JobTemplate];
    const order = quoteRequestSchema({ ...policy, templates: [plain] }).parse({ template: 'notebook', gpu_count: 0 });
    expect([order.minCuda, order.minVramGb]).toEqual([undefined, undefined]);
  });

  test('the ports of an order and of its template are ten at most together', () => {
    const ports = Array.from({ length: 9 }, (_, at) => ({ port: 9_000 + at }));
    expect(refused({ ports })).toEqual([expect.stringMatching(/^ports .*at most 10 together/)]);
  });
});

describe('the file of templates', () => {
  test('a file that is right is read, whatever its entries leave out', () => {
    const least = { id: 'a', name: 'A', description: 'Nothing.', image: 'ubuntu' };
    expect(read(least, notebook)).toMatchObject({ problems: [], templates: [{ id: 'a' }, { id: 'notebook' }] });
    expect(read(least).templates[0]).toEqual({
      ...{ id: 'a', name: 'A', description: 'Nothing.', image: 'docker.io/library/ubuntu:latest' },
      ...{ program: {}, env: {}, ports: [] },
    });
  });

  test.each([
    ['an id in capitals', { id: 'Notebook' }, 'template 1: id must be lower-case'],
    ['no name', { name: '' }, 'template 1 (notebook): name '],
    ['an image that is none', { image: 'Not An Image' }, 'template 1 (notebook): image '],
    ['a port twice', { ports: [{ port: 1 }, { port: 1 }] }, 'template 1 (notebook): ports.1.port '],
    ['a reserved port', { ports: [{ port: 22 }] }, 'template 1 (notebook): ports.0.port '],
    ['a program of both kinds', { entrypoint: 'image' }, 'template 1 (notebook): entrypoint cannot be given'],
    ['a page outside of a path', { page: { port: 1, path: '//x?y=1' } }, 'template 1 (notebook): page.path '],
    ['a variable that is Kubernetes’', { env: { KUBERNETES_X: '1' } }, 'template 1 (notebook): env.KUBERNETES_X '],
    ['a token in its variables', { env: { TOKEN: 'x' } }, 'template 1 (notebook): token.variable is in env'],
    [
      'a token without its parameter',
      { token: { variable: 'TOKEN', used_as: 'query' } },
      'template 1 (notebook): token.query ',
    ],
    ['a token in a URL without a page', { page: undefined }, 'template 1 (notebook): page required'],
    ['a version that is none', { needs: { min_cuda: 'new' } }, 'template 1 (notebook): needs.min_cuda '],
    ['a folder that is none', { workdir: 'here' }, 'template 1 (notebook): workdir must be an absolute path'],
    ['an unknown field', { volumes: [] }, 'template 1 (notebook):  Unrecognized key: "volumes"'],
  ])('%s is told with the entry and the field', (_, change, problem) => {
    const { problems, templates } = read({ ...notebook, ...change });
    expect(templates).toEqual([]);
    expect(problems[0]).toContain(problem);
  });

  test('what is no file of templates is told, and all problems are told at once', () => {
    expect(readTemplates('{').problems).toEqual(['is not JSON']);
    for (const text of ['[]', 'null', '{"templates":{}}', '{"templates":[],"more":1}'])
      expect(readTemplates(text).problems).toHaveLength(1);
    expect(read(notebook, notebook, { id: 'x' }, 7).problems.length).toBeGreaterThan(4);
    expect(read(notebook, notebook).problems).toEqual(['template 2 (notebook): id is that of another template']);
    expect(read(...Array.from({ length: 51 }, (_, at) => ({ ...notebook, id: `n${at}` }))).problems).toHaveLength(1);
  });

  test('a broker with a file that is wrong does not start, and says the entry', () => {
    const text = JSON.stringify({ templates: [{ ...notebook, ports: [{ port: 2222 }] }] });
    const start = () => readConfig({ JOB_TEMPLATES: text });
    expect(start).toThrow(ConfigError);
    expect(start).toThrow(/JOB_TEMPLATES: template 1 \(notebook\): ports\.0\.port is reserved/);
    expect(readConfig({ JOB_TEMPLATES: JSON.stringify({ templates: [notebook] }) }).JOB_TEMPLATES).toEqual([template]);
  });
});

describe('the templates that the broker brings', () => {
  test('they are the six that people expect, and their reply is what its schema says', () => {
    expect(readConfig({}).JOB_TEMPLATES.map(({ id }) => id)).toEqual([
      ...['pytorch', 'cuda', 'jupyter', 'comfyui', 'vllm', 'code-server'],
    ]);
    const reply = templatesReplyOf(shippedTemplates);
    expect(templatesReply.parse(reply)).toEqual(reply);
  });

  test('each can be ordered', () => {
    const schema = quoteRequestSchema({ ...policy, templates: shippedTemplates });
    for (const { id } of shippedTemplates) expect(schema.parse({ template: id }).template).toMatchObject({ id });
  });

  test('each that opens a port has a token', () => {
    const opening = shippedTemplates.filter(({ ports }) => ports.length > 0);
    expect(opening.length).toBeGreaterThan(0);
    expect(opening.filter(({ token }) => token === undefined)).toEqual([]);
  });

  test('those whose programs no token keeps strangers out of open no port, and listen inside of the job only', () => {
    const of = (wanted: string) => shippedTemplates.find(({ id }) => id === wanted)!;
    for (const id of ['comfyui', 'vllm'])
      expect(of(id)).toMatchObject({ ports: [], page: { path: expect.any(String) } });
    expect(of('vllm').program.command).toEqual(expect.arrayContaining(['--host', '127.0.0.1']));
    expect(of('comfyui').env['CLI_ARGS']).toBe('--listen 127.0.0.1');
  });

  test('a site shows those whose images it lets customers run', () => {
    const images = { allowlist: ['docker.io/pytorch/*'], requireDigest: false };
    expect(allowedTemplates(shippedTemplates, images).map(({ id }) => id)).toEqual(['pytorch']);
    expect(allowedTemplates(shippedTemplates, { allowlist: [], requireDigest: true })).toEqual([]);
  });
});
