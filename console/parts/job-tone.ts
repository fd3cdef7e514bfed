import { jobState } from '../../src/words/states.js';
import type { Tone } from './tone.js';

const tones: Readonly<Record<string, Tone>> = { green: 'good', yellow: 'busy', red: 'bad', dim: 'off' };

/** The colour of a job's state, as those of machines. */
export function jobTone(status: string): Tone {
  return tones[jobState(status).style ?? ''] ?? 'off';
}
