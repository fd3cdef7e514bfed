import type { FieldProblem } from '../../src/client/errors.js';
import type { Site } from '../../src/client/shapes.js';
import { shortDuration } from '../parts/times.js';
import { imageOf, numberOf, ownImage, type OrderForm, type TextField } from './order-form.js';
import { portProblems } from './ports.js';
import { programProblems } from './program.js';
import { variableProblems } from './variables.js';

/** A place of the form beside which something may be wrong. */
export type Place = TextField | 'keys' | 'variables' | 'command' | 'args' | 'workdir' | 'restart' | 'ports';
export type Problems = Partial<Record<Place, string>>;

/** The places in the order in which they stand on the page: the first that is wrong gets the focus. */
export const placesInOrder: readonly Place[] = [
  'gpu',
  'count',
  'cpu',
  'memory',
  'disk',
  'template',
  'image',
  'registryUser',
  'registryPassword',
  'command',
  'args',
  'workdir',
  'restart',
  'ports',
  'keys',
  'hours',
  'name',
  'provider',
  'region',
  'maxPrice',
  'minVram',
  'minCuda',
  'variables',
];

/** What is wrong with a form, as far as the page can tell; the broker says the rest. */
export function formProblems(form: OrderForm, site: Pick<Site, 'jobs'>): Problems {
  const { min_duration_s: least, max_duration_s: most } = site.jobs;
  const problems: Problems = {
    ...sizeProblem('count', form.count, { max: 64, isWhole: true, canBeNone: true }, 'GPUs'),
    ...sizeProblem('cpu', form.cpu, { max: 1024, isWhole: true }, 'cores'),
    ...sizeProblem('memory', form.memory, { max: 16_384 }, 'GB'),
    ...sizeProblem('disk', form.disk, { max: 65_536, isWhole: true }, 'GB'),
    ...sizeProblem('hours', form.hours, { max: most / 3600, min: least / 3600 }, 'hours'),
    ...optionalProblem('maxPrice', form.maxPrice, 'A price is a number, such as 0.5.'),
    ...optionalProblem('minVram', form.minVram, 'A number of GB, such as 24.'),
    ...optionalProblem('minCuda', form.minCuda, 'A version, such as 12.4.'),
    ...programProblems(form.program),
    ...loginProblems(form),
  };
  const [ofPorts] = portProblems(form.ports).values();
  if (ofPorts !== undefined && !form.opensNone) problems.ports = ofPorts;
  if (imageOf(form, site) === '') problems.image = 'Name an image, such as docker.io/library/ubuntu:24.04.';
  else if (/\s/.test(imageOf(form, site))) problems.image = 'The name of an image has no spaces.';
  if (form.savedKeys.length + form.newKeys.length === 0) {
    problems.keys = 'Choose a key, or add one: without a key nobody could log in.';
  }
  const ofVariables = [...variableProblems(form.variables).values()];
  if (ofVariables.length > 0) problems.variables = ofVariables[0]!;
  return problems;
}

/** What is wrong with figures that were typed a moment ago; an empty field is no mistake yet. */
export function typedProblems(settled: OrderForm, now: OrderForm, site: Pick<Site, 'jobs'>): Problems {
  const places = ['count', 'cpu', 'memory', 'disk', 'hours', 'maxPrice', 'minVram', 'minCuda'] as const;
  const problems = formProblems(settled, site);
  const shown = places.filter((place) => settled[place] === now[place] && now[place].trim() !== '');
  return Object.fromEntries(
    shown.flatMap((place) => (problems[place] === undefined ? [] : [[place, problems[place]]])),
  );
}

/** Both or none of them. Neither is repeated. */
function loginProblems({ template, registryUser: user, registryPassword: password }: OrderForm): Problems {
  if (template !== ownImage) return {};
  if (user === '' && password !== '') return { registryUser: 'The name that the password belongs to.' };
  if (user !== '' && password === '') return { registryPassword: 'The password or token of this name.' };
  if (!/^[\x20-\x7e]*$/.test(user) || user.includes(':'))
    return { registryUser: 'A name has no colon, and only plain characters.' };
  return /^[\x20-\x7e]*$/.test(password) ? {} : { registryPassword: 'A password or token has only plain characters.' };
}

interface Bounds {
  min?: number;
  max: number;
  isWhole?: boolean;
  canBeNone?: boolean;
}

function sizeProblem(place: TextField, text: string, bounds: Bounds, unit: string): Problems {
  const value = numberOf(text);
  const { min = 0, max, isWhole = false, canBeNone = false } = bounds;
  const shown = (bound: number) => (unit === 'hours' ? shortDuration(bound * 3600) : `${bound} ${unit}`);
  if (text.trim() === '') return { [place]: `How many ${unit}?` };
  if (value === undefined || (isWhole && !Number.isInteger(value))) {
    return {
      [place]: isWhole
        ? `A whole number of ${unit}.`
        : `A number of ${unit}, such as ${place === 'hours' ? '1.5' : '16'}.`,
    };
  }
  if (value === 0 && !canBeNone) return { [place]: `More than 0 ${unit}.` };
  if (value < min) return { [place]: `At least ${shown(min)}.` };
  return value > max ? { [place]: `At most ${shown(max)}.` } : {};
}

function optionalProblem(place: TextField, text: string, message: string): Problems {
  return text.trim() === '' || numberOf(text) !== undefined ? {} : { [place]: message };
}

/** Where the fields of an order stand on the page. */
const placeOfField: Readonly<Record<string, Place>> = {
  gpu: 'gpu',
  gpu_type: 'gpu',
  gpu_count: 'count',
  cpu_cores: 'cpu',
  memory_gb: 'memory',
  storage_gb: 'disk',
  image: 'image',
  template: 'template',
  registry_auth: 'registryUser',
  command: 'command',
  entrypoint: 'command',
  args: 'args',
  workdir: 'workdir',
  restart: 'restart',
  end_with_command: 'restart',
  ports: 'ports',
  ssh_public_keys: 'keys',
  ssh_key_ids: 'keys',
  public_key: 'keys',
  duration_hours: 'hours',
  job_name: 'name',
  provider_id: 'provider',
  max_price_per_hour: 'maxPrice',
  min_vram_gb: 'minVram',
  min_cuda: 'minCuda',
  env: 'variables',
};

/** What the broker says of fields, beside the field that it is about; `rest` has no place of its own on the page. */
export function placed(fields: readonly FieldProblem[]): { problems: Problems; rest: string[] } {
  const problems: Problems = {};
  const rest: string[] = [];
  for (const { field, message } of fields) {
    const [first = '', ...more] = field.replace(/^body\./, '').split('.');
    const known = Object.hasOwn(placeOfField, first) ? placeOfField[first] : undefined;
    const place = known === 'registryUser' && more[0] === 'password' ? 'registryPassword' : known;
    const said = place === 'variables' && more.length > 0 ? `${more.join('.')}: ${message}` : message;
    if (place === undefined) rest.push(`${field}: ${message}`);
    else problems[place] ??= asSentence(said);
  }
  return { problems, rest };
}

const asSentence = (text: string) =>
  `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** The place that gets the focus. */
export function firstPlace(problems: Problems): Place | undefined {
  return placesInOrder.find((place) => problems[place] !== undefined);
}
