import type { Job } from '../../src/client/shapes.js';
import { plain } from '../parts/words.js';
import { shortImage, type StartPart, type StartStep } from './start-view.js';

/** What a step is called in each of its states, and what stands under it. */
export interface StepWords {
  title: string;
  /** May hold a stranger's words. */
  note?: string;
}

/** After so long, a page that says nothing looks broken. */
const longPullMs = 20_000;

export function stepWords({ part, state }: StartStep, job: Job, tookMs: number | undefined): StepWords {
  switch (part) {
    case 'machine':
      return machine(state, job);
    case 'image':
      return {
        title: ofState(state, 'Image', 'Fetching the image', 'Image is there'),
        note: imageNote(state, job, tookMs),
      };
    case 'container':
      return { title: ofState(state, 'Container', 'Starting the container', 'Container runs') };
    case 'ssh':
      return { title: ofState(state, 'SSH', 'Waiting for SSH', 'SSH answers') };
  }
}

function machine(state: StartStep['state'], { provider_id: id }: Job): StepWords {
  if (state === 'done' && id !== undefined) return { title: 'Machine', note: `on ${plain(id, 40)}` };
  return { title: ofState(state, 'Machine', 'Looking for a machine', 'Machine') };
}

function imageNote(state: StartStep['state'], { image }: Job, tookMs = 0): string {
  const name = plain(shortImage(image), 60);
  return state === 'active' && tookMs > longPullMs ? `${name}: large images take minutes the first time` : name;
}

function ofState(state: StartStep['state'], waiting: string, active: string, done: string): string {
  if (state === 'active') return active;
  return state === 'done' ? done : waiting;
}

/** The parts of a start as words for a legend. */
export const partNames: Readonly<Record<StartPart, string>> = {
  machine: 'machine',
  image: 'image',
  container: 'container',
  ssh: 'SSH',
};
