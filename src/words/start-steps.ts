import type { JobEvent } from '../client/shapes.js';
import { clean } from './clean.js';
import { eventText } from './event-text.js';
import { priceText, type Money } from './money.js';

/** The steps of a start as people watch them. */
export type StepName = 'placed' | 'image' | 'started' | 'ready';

export interface StepDone {
  name: StepName;
  text: string;
}

/** The step that an event completes. */
export function stepDone({ kind, data = {}, text = '' }: JobEvent, money: Pick<Money, 'symbol'>): StepDone | undefined {
  const said = clean(text);
  switch (kind) {
    case 'placed': {
      const on = typeof data['provider_id'] === 'string' ? `on ${clean(data['provider_id'])}` : said;
      const price = data['price_per_hour'];
      return {
        name: 'placed',
        text: typeof price === 'number' ? `${on}, ${priceText(price)} ${money.symbol} an hour` : on,
      };
    }
    case 'image_pulled':
      return { name: 'image', text: typeof data['image'] === 'string' ? clean(data['image']) : said };
    case 'container_started':
      return { name: 'started', text: 'waiting for SSH' };
    case 'ssh_ready':
      return { name: 'ready', text: '' };
    default:
      return undefined;
  }
}

/** What is under way once an event has happened; undefined when nothing is. */
export function underWayAfter(event: JobEvent): string | undefined {
  switch (event.kind) {
    case 'ordered':
      return 'looking for a machine';
    case 'placed':
    case 'pod_created':
      return 'preparing the container';
    case 'image_pulling':
      return 'pulling the image';
    case 'image_pulled':
      return 'starting the container';
    case 'container_started':
      return 'waiting for SSH';
    default:
      return event.kind === 'ended' ? undefined : eventText(event);
  }
}
