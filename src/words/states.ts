/** A colour that goes with a state; whoever shows it chooses the shade. */
export type Tone = 'green' | 'cyan' | 'yellow' | 'red' | 'dim';

/** A state as a glyph, a word and a colour: never by colour alone. */
export interface StateText {
  glyph: string;
  word: string;
  style: Tone | undefined;
}

const ofJobs: Readonly<Record<string, StateText>> = {
  pending: { glyph: '◌', word: 'waiting', style: 'yellow' },
  provisioning: { glyph: '◐', word: 'starting', style: 'yellow' },
  running: { glyph: '●', word: 'running', style: 'green' },
  ending: { glyph: '◑', word: 'ending', style: 'yellow' },
  completed: { glyph: '✓', word: 'completed', style: undefined },
  expired: { glyph: '✓', word: 'expired', style: undefined },
  cancelled: { glyph: '○', word: 'cancelled', style: 'dim' },
  failed: { glyph: '✗', word: 'failed', style: 'red' },
  provider_lost: { glyph: '✗', word: 'machine lost', style: 'red' },
};

const ofProviders: Readonly<Record<string, StateText>> = {
  pending: { glyph: '◌', word: 'pending', style: 'yellow' },
  approved: { glyph: '◐', word: 'approved', style: 'yellow' },
  joined: { glyph: '◐', word: 'joined', style: 'yellow' },
  available: { glyph: '●', word: 'available', style: 'green' },
  busy: { glyph: '●', word: 'full', style: 'cyan' },
  offline: { glyph: '○', word: 'offline', style: 'red' },
  rejected: { glyph: '✗', word: 'rejected', style: 'red' },
  retired: { glyph: '○', word: 'retired', style: 'dim' },
};

export function jobState(status: string): StateText {
  return Object.hasOwn(ofJobs, status) ? ofJobs[status]! : unknown(status);
}

export function providerState(status: string, { cordoned = false, drained = false } = {}): StateText {
  const known = Object.hasOwn(ofProviders, status) ? ofProviders[status]! : unknown(status);
  // `busy` is also the word for a machine that takes no new jobs.
  if (drained && status === 'busy') return { ...known, word: 'drained', style: 'yellow' };
  return cordoned && status === 'busy' ? { ...known, word: 'cordoned', style: 'yellow' } : known;
}

function unknown(status: string): StateText {
  return { glyph: '?', word: status, style: undefined };
}
