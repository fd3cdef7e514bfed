import type { Site } from '../../src/client/index.js';
import { twoWords } from '../../src/words/two-words.js';
import { nowMs, second } from '../live/index.js';
import { Button, Card, Input, shortDuration } from '../parts/index.js';
import { commonHours, endText } from './duration.js';
import { numberOf } from './order-form.js';
import type { SectionProps } from './section-props.js';

/** For how long, and under which name. */
export function DurationSection({ form, problems, set, site }: SectionProps & { site: Site }) {
  const hours = numberOf(form.hours);
  const most = site.jobs.max_duration_s / 3600;
  return (
    <Card title="Time and name">
      <div class="rent-time">
        <div data-place="hours">
          <Input
            {...{ label: 'For', unit: 'hours', inputMode: 'decimal', value: form.hours, error: problems.hours }}
            hint={
              hours === undefined || hours <= 0 ? 'You can extend it, and end it earlier.' : <Until hours={hours} />
            }
            onInput={(text) => set({ hours: text })}
          />
          <div class="row presets" role="group" aria-label="Usual lengths of time">
            {commonHours
              .filter((each) => each <= most)
              .map((each) => (
                <Button key={each} size="s" aria-pressed={hours === each} onClick={() => set({ hours: String(each) })}>
                  {shortDuration(each * 3600)}
                </Button>
              ))}
          </div>
        </div>
        <div data-place="name">
          <Input
            {...{ label: 'Name of the job', value: form.name, error: problems.name, maxLength: 64 }}
            hint={
              <button type="button" class="as-link" onClick={() => set({ name: twoWords() })}>
                Suggest another
              </button>
            }
            onInput={(name) => set({ name })}
          />
        </div>
      </div>
    </Card>
  );
}

function Until({ hours }: { hours: number }) {
  void second.value;
  return (
    <>
      Ends at <b class="num">{endText(hours, nowMs())}</b> if it starts now.
    </>
  );
}
