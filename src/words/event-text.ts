import type { JobEvent } from '../client/shapes.js';
import { durationText } from './durations.js';
import { clean } from './clean.js';

const words: Readonly<Record<string, string>> = {
  ordered: 'ordered',
  placed: 'placed',
  pod_created: 'container prepared',
  image_pulling: 'pulling the image',
  image_pulled: 'image pulled',
  container_started: 'started',
  ssh_ready: 'SSH answers',
  extended: 'extended',
  ssh_key_added: 'an SSH key was added',
  program_started: 'the program was started',
  program_restarted: 'the program was started again',
  program_exited: 'the program has ended',
  gpu_lost: 'a GPU was lost',
  gpu_back: 'the GPUs are back',
  expires_soon: 'ends soon',
  limit_near: 'a limit is nearly used',
  provider_away: 'the machine is away',
  provider_back: 'the machine is back',
  ending: 'ending',
  ended: 'ended',
};

const limits: Readonly<Record<string, string>> = { session: 'the login’s limit', monthly_cap: 'the monthly cap' };

/** An event in a few words; one that is newer than this by its own name. */
export function eventText({ kind, data = {}, text }: JobEvent): string {
  const said = Object.hasOwn(words, kind) ? words[kind]! : clean(kind).replaceAll('_', ' ');
  if (kind === 'placed' && typeof data['provider_id'] === 'string') return `placed on ${clean(data['provider_id'])}`;
  if (kind === 'image_pulled' && typeof data['seconds'] === 'number')
    return `${said} (${durationText(data['seconds'])})`;
  if (kind === 'extended' && typeof data['seconds'] === 'number') return `${said} by ${durationText(data['seconds'])}`;
  if (kind === 'limit_near' && typeof data['percent'] === 'number') {
    const limit = String(data['limit']);
    return `${data['percent']} % of ${Object.hasOwn(limits, limit) ? limits[limit]! : 'a limit'} is used`;
  }
  if (kind === 'ended' && text !== undefined) return `ended: ${clean(text)}`;
  return said;
}
