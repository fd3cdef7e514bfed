import type { Order, Site } from '../../src/client/shapes.js';
import type { PublicKey } from '../parts/ssh-keys.js';
import { portProblems, portsOf, type FormPort } from './ports.js';
import { emptyProgram, programFieldsOf, type FormProgram } from './program.js';
import { environmentOf, type Variable } from './variables.js';
import { withPoint } from '../parts/typed-number.js';

/**
 * The form as it is typed: numbers are text until they are sent, so that nothing that somebody types is changed under
 * the fingers.
 */
export interface OrderForm {
  /** A GPU type; empty for any. */
  gpu: string;
  count: string;
  cpu: string;
  memory: string;
  disk: string;
  /** The id of a template, or `own`. */
  template: string;
  /** With the template `own`, as are the next two. */
  image: string;
  /** A login at the registry of a private image. It is in this form only, and taken out of it once there is an order. */
  registryUser: string;
  registryPassword: string;
  hours: string;
  name: string;
  provider: string;
  region: string;
  /** Of the whole job, in tokens an hour. */
  maxPrice: string;
  minVram: string;
  minCuda: string;
  /** Ids of keys that the broker keeps. */
  savedKeys: readonly string[];
  /** Keys that were pasted, or came from a file. */
  newKeys: readonly PublicKey[];
  /** Whether new keys are to be kept at the broker. */
  keepsKeys: boolean;
  variables: readonly Variable[];
  program: FormProgram;
  /** Besides those of the template. */
  ports: readonly FormPort[];
  /** Not even those of the template: what runs is reached through SSH. */
  opensNone: boolean;
}

/** The fields that are text, and the only ones that a remedy or the address may set. */
export type TextField = {
  [Field in keyof OrderForm]: OrderForm[Field] extends string ? Field : never;
}[keyof OrderForm];

export const ownImage = 'own';
/** The image that an order without one gets; a template's id has no such sign in it. */
export const siteImage = '·site';

/** Fields that stand in the address, by their names there. Nothing that may be secret is ever among them. */
const inAddress = {
  gpu: 'gpu',
  count: 'count',
  cpu: 'cpu',
  memory: 'memory',
  disk: 'disk',
  hours: 'hours',
  name: 'name',
  provider: 'provider',
  region: 'region',
  maxPrice: 'price',
  minVram: 'vram',
  minCuda: 'cuda',
} as const satisfies Partial<Record<TextField, string>>;
type FieldInAddress = keyof typeof inAddress;
const fieldsInAddress = Object.keys(inAddress) as FieldInAddress[];

const longestText = 300;

/** An empty form: what the site gives to an order that says nothing. */
export function emptyForm({ jobs }: Pick<Site, 'jobs'>, name: string): OrderForm {
  const { defaults } = jobs;
  return {
    gpu: '',
    count: '1',
    cpu: String(defaults.cpu_cores),
    memory: String(defaults.memory_gb),
    disk: String(defaults.storage_gb),
    template: usualTemplate({ jobs }),
    ...{ image: '', registryUser: '', registryPassword: '' },
    hours: String(defaults.duration_hours),
    name,
    provider: '',
    region: '',
    maxPrice: '',
    minVram: '',
    minCuda: '',
    savedKeys: [],
    newKeys: [],
    keepsKeys: true,
    variables: [],
    program: emptyProgram,
    ...{ ports: [], opensNone: false },
  };
}

/** What an order gets that names neither an image nor a template: it fits every machine. */
function usualTemplate({ jobs: { templates, default_image: image } }: Pick<Site, 'jobs'>): string {
  return templates.find((each) => each.image === image)?.id ?? siteImage;
}

/** The form that a link to this page asks for: `?gpu=rtx-4090&image=pytorch&hours=4`. */
export function formOfAddress(query: URLSearchParams, empty: OrderForm, { jobs }: Pick<Site, 'jobs'>): OrderForm {
  const form = { ...empty };
  for (const field of fieldsInAddress) {
    const text = query.get(inAddress[field])?.trim().slice(0, longestText);
    if (text !== undefined && text !== '') form[field] = text;
  }
  const image = query.get('image')?.trim().slice(0, longestText) ?? '';
  if (image === '') return form;
  const template = templatesOf({ jobs }).find((each) => each.id === image || each.image === image);
  return template === undefined
    ? { ...form, template: ownImage, image }
    : { ...form, template: template.id, image: '' };
}

/** What `setQuery` is given for a form: only what differs from an empty one is in the address. */
export function addressChange(form: OrderForm, empty: OrderForm): Record<string, string | undefined> {
  const change: Record<string, string | undefined> = { image: undefined };
  for (const field of fieldsInAddress) {
    const text = form[field].trim();
    // A name is suggested anew each time: a link with the last one would name two jobs the same.
    change[inAddress[field]] = field === 'name' || text === empty[field] ? undefined : text;
  }
  const { template } = form;
  if (template === ownImage) change['image'] = form.image.trim();
  else if (template !== empty.template) change['image'] = template;
  return change;
}

/** The images that the site offers; the one that orders without an image get is among them. */
export function templatesOf({ jobs }: Pick<Site, 'jobs'>): Site['jobs']['templates'] {
  const { templates, default_image: image } = jobs;
  if (templates.some((each) => each.image === image)) return templates;
  return [{ id: siteImage, name: 'The site’s default', image }, ...templates];
}

export function imageOf({ template, image }: OrderForm, { jobs }: Pick<Site, 'jobs'>): string {
  if (template === ownImage) return image.trim();
  return jobs.templates.find((each) => each.id === template)?.image ?? jobs.default_image;
}

/** What of an order comes from the site: the name of a template, or the image that a site gives to everybody. */
function imageFields(form: OrderForm, site: Pick<Site, 'jobs'>): Pick<Order, 'template' | 'image'> {
  const isTemplate = site.jobs.templates.some(({ id }) => id === form.template);
  return isTemplate ? { template: form.template } : { image: imageOf(form, site) };
}

/** Ports cost something, and a template opens some and needs something of the machine: both are part of a price. */
function openedFields(form: OrderForm): Pick<Order, 'template' | 'ports'> {
  const { template, ports, opensNone } = form;
  const wrong = portProblems(ports);
  const own = portsOf(ports.filter(({ id }) => !wrong.has(id)));
  return {
    ...(template === ownImage || template === siteImage ? {} : { template }),
    ...(opensNone ? { ports: [] } : own.length === 0 ? {} : { ports: own }),
  };
}

/**
 * What is asked for a quote: the order without what its price does not depend on, so that neither variables nor keys
 * are sent before somebody rents. `undefined` while a number is not one.
 *
 * @param provider the machine that stands for the region, if one was chosen.
 */
export function quoteOrderOf(form: OrderForm, provider = form.provider.trim()): Order | undefined {
  const count = numberOf(form.count);
  const [cpu, memory, disk, hours] = [form.cpu, form.memory, form.disk, form.hours].map(numberOf);
  const optional = [form.maxPrice, form.minVram, form.minCuda].map((text) => (text.trim() === '' ? 0 : numberOf(text)));
  if (![count, cpu, memory, disk, hours, ...optional].every((value) => value !== undefined)) return undefined;
  const [maxPrice, minVram] = optional;
  return {
    ...(form.gpu === '' || count === 0 ? {} : { gpu_type: form.gpu }),
    gpu_count: count!,
    cpu_cores: cpu!,
    memory_gb: memory!,
    storage_gb: disk!,
    duration_hours: hours!,
    ...(provider === '' ? {} : { provider_id: provider }),
    ...(form.maxPrice.trim() === '' ? {} : { max_price_per_hour: maxPrice! }),
    ...(form.minVram.trim() === '' || count === 0 ? {} : { min_vram_gb: minVram! }),
    ...(form.minCuda.trim() === '' || count === 0 ? {} : { min_cuda: form.minCuda.trim() }),
    ...openedFields(form),
  };
}

/**
 * The order itself. `undefined` as above; what else is wrong with it, `formProblems` says.
 *
 * @param runsSomething whether its template has a main program.
 */
export function orderOf(form: OrderForm, site: Pick<Site, 'jobs'>, runsSomething = false): Order | undefined {
  const quoted = quoteOrderOf(form);
  if (quoted === undefined) return undefined;
  const name = form.name.trim();
  const env = environmentOf(form.variables);
  return {
    ...quoted,
    ...imageFields(form, site),
    ...loginFields(form),
    ...programFieldsOf(form.program, runsSomething),
    ...(name === '' ? {} : { job_name: name }),
    ...(form.newKeys.length === 0 ? {} : { ssh_public_keys: form.newKeys.map(({ line }) => line) }),
    ...(form.savedKeys.length === 0 ? {} : { ssh_key_ids: [...form.savedKeys] }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
  };
}

function loginFields({ template, registryUser, registryPassword }: OrderForm): Pick<Order, 'registry_auth'> {
  const isGiven = template === ownImage && (registryUser !== '' || registryPassword !== '');
  return isGiven ? { registry_auth: { username: registryUser, password: registryPassword } } : {};
}

/** A number as people write it: `0,5` is `0.5`. */
export function numberOf(text: string): number | undefined {
  const written = withPoint(text);
  return /^\d{1,9}(?:\.\d{1,6})?$/.test(written) ? Number(written) : undefined;
}
