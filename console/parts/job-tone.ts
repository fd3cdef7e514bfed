import { jobState } from '../../src/words/states.js';
import type { MachineTone } from '../machines/machine-words.js';

const tones: Readonly<Record<string, MachineTone>> = { green: 'good', yellow: 'busy', red: 'bad', dim: 'off' };

/** The colour of a job's state, as those of machines. */
export function jobTone(status: string): MachineTone {
  return tones[jobState(status).style ?? ''] ?? 'off';
}
