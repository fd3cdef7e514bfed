import type { MarketType, Site } from '../../src/client/shapes.js';
import type { Template } from '../../src/client/types.generated.js';
import { numberOf, ownImage, templatesOf, type OrderForm } from './order-form.js';

/** A choice of what runs. */
export interface TemplateCard {
  id: string;
  name: string;
  image: string;
  description: string;
  /** `opens 8888, needs GPUs with 16 GB`; empty for a plain image. */
  facts: string;
  /** Why the GPUs that are chosen do not do for it. */
  misfit: string | undefined;
}

/**
 * The cards of a site, and that for one's own image as the last.
 *
 * @param details what the templates are; without them, until they are read, their names.
 */
export function templateCards(
  site: Pick<Site, 'jobs'>,
  details: readonly Template[],
  form: Pick<OrderForm, 'gpu' | 'count'>,
  types: readonly MarketType[],
): TemplateCard[] {
  const cards = templatesOf(site).map(({ id, name, image }): TemplateCard => {
    const template = details.find((each) => each.id === id);
    const facts = template === undefined ? '' : factsOf(template);
    const misfit = template === undefined ? undefined : misfitOf(template, form, types);
    return { id, name, image, description: template?.description ?? '', facts, misfit };
  });
  const own = { id: ownImage, name: 'Your own image', image: '', facts: '', misfit: undefined };
  return [...cards, { ...own, description: 'From any registry; with a login, if it is private.' }];
}

function factsOf({ ports, needs, page }: Template): string {
  const opens = ports.map(({ port }) => port).join(', ');
  const isHidden = page !== undefined && ports.every(({ port }) => port !== page.port);
  const { min_vram_gb: vram, min_cuda: cuda } = needs;
  return [
    ...(opens === '' ? [] : [`opens ${opens}`]),
    ...(isHidden ? [`page on ${page.port} through SSH`] : []),
    ...(vram === undefined ? [] : [`${vram} GB of GPU memory`]),
    ...(cuda === undefined ? [] : [`CUDA ${cuda}`]),
  ].join(' · ');
}

/** Only what the market says of a type is known here; which CUDA a machine has, the quote says. */
function misfitOf(
  { needs: { min_vram_gb: vram } }: Template,
  { gpu, count }: Pick<OrderForm, 'gpu' | 'count'>,
  types: readonly MarketType[],
): string | undefined {
  if (vram === undefined) return undefined;
  if (numberOf(count) === 0) return `Needs a GPU with ${vram} GB`;
  const type = types.find((each) => each.gpu_type === gpu);
  if (type === undefined || type.vram_gb.length === 0) return undefined;
  const most = Math.max(...type.vram_gb);
  return most < vram ? `Needs ${vram} GB of GPU memory; these have ${most} GB` : undefined;
}

/** The template of a form, once it is read. */
export function chosenTemplate(
  details: readonly Template[],
  { template }: Pick<OrderForm, 'template'>,
): Template | undefined {
  return details.find(({ id }) => id === template);
}

/** Whether a template runs something by itself. */
export function runsSomething({ command, entrypoint }: Template): boolean {
  return command !== undefined || entrypoint !== undefined;
}
