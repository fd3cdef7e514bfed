import { jobState } from '../../src/words/states.js';
import { jobTone } from '../parts/job-tone.js';
import { Badge, State, Untrusted } from '../parts/index.js';

/** A job's state by glyph, word and colour. */
export function JobState({
  status,
  badge = false,
}: {
  status: string;
  /** On a ground of its colour. */ badge?: boolean;
}) {
  const { glyph, word } = jobState(status);
  const tone = jobTone(status);
  const Shown = badge ? Badge : State;
  return (
    <Shown tone={tone} glyph={glyph}>
      <Untrusted text={word} max={24} />
    </Shown>
  );
}
