import { useState } from 'preact/hooks';
import { setQuery } from '../app/router.js';
import { nowMs } from '../live/index.js';
import { Input, Segmented } from '../parts/index.js';
import { dayOf, lastDays, presetOf, presets, problemOf, type DayRange } from './range.js';

/** Which days are shown: the usual ranges, or any. They stand in the address. */
export function RangePicker({ range }: { range: DayRange }) {
  const [draft, setDraft] = useState<DayRange>();
  const shown = draft ?? range;
  const change = (part: Partial<DayRange>) => {
    const next = { ...shown, ...part };
    const isFine = problemOf(next) === undefined;
    setDraft(isFine ? undefined : next);
    if (isFine) setQuery({ ...next });
  };
  const today = dayOf(nowMs());
  return (
    <div class="row range">
      <Segmented
        label="Range"
        value={String(presetOf(range, nowMs()) ?? '')}
        options={presets.map((days) => ({ value: String(days), label: `${days} days` }))}
        onChange={(days) => {
          setDraft(undefined);
          setQuery({ ...lastDays(Number(days), nowMs()) });
        }}
      />
      <Input label="From" type="date" max={today} value={shown.from} onInput={(from) => change({ from })} />
      <Input
        label="To"
        type="date"
        max={today}
        value={shown.to}
        error={draft === undefined ? undefined : problemOf(draft)}
        onInput={(to) => change({ to })}
      />
    </div>
  );
}
