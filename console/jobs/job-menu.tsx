import { WorldLandError } from '../../src/client/index.js';
import type { Job } from '../../src/client/shapes.js';
import { canAct, nowMs, site, toast, token } from '../live/index.js';
import { outcomeOf } from '../live/outcome.js';
import { failureInWords, figureOf, Menu, plain, type MenuItem } from '../parts/index.js';
import { navigate } from '../app/router.js';
import { segment } from '../app/match.js';
import { extendJob } from './actions.js';
import { extensionOf, usualHours } from './extension.js';
import { mayEnd, mayExtend } from './job-list.js';
import { nameOf } from './job-name.js';
import type { OpenFor } from './open-for.js';
import { orderAgain } from './order-again.js';
import type { Counted } from './spending.js';
import { extendedText } from './extended-text.js';

/** What one can do with a job from its row. */
export function JobMenu({ of, onOpen }: { of: Counted; onOpen(open: OpenFor): void }) {
  const { job } = of;
  const id = job.job_id;
  const cannot = !canAct.value;
  const open = (kind: OpenFor['kind']) => () => onOpen({ kind, id });
  const items: MenuItem[] = [
    { key: 'show', label: 'Show', act: () => navigate(`/jobs/${segment(id)}`) },
    ...(mayExtend(job)
      ? [...extensions(of), { key: 'until', label: 'Extend until…', disabled: cannot, act: open('until') }]
      : []),
    ...(mayEnd(job) ? [] : [{ key: 'again', label: 'Order again', act: () => navigate(orderAgain(job).to) }]),
    { key: 'rename', label: 'Rename…', disabled: cannot, act: open('rename') },
    ...(mayEnd(job) ? [{ key: 'end', label: 'End…', danger: true, disabled: cannot, act: open('end') }] : []),
  ];
  return <Menu size="s" label="⋯" name={`Actions for ${nameOf(job)}`} items={items} />;
}

function extensions({ job }: Counted): MenuItem[] {
  const { symbol, decimals } = token();
  return usualHours.map((hours) => {
    const { seconds, price, refused } = extensionOf(job, hours * 3_600, site.value);
    const cost = price === undefined ? '' : `: ${figureOf(price, decimals)} ${plain(symbol, 12)}`;
    return {
      key: `extend-${hours}`,
      label: `Extend by ${hours} h${cost}`,
      disabled: !canAct.value || refused !== undefined,
      act: () => void extendFromRow(job, seconds),
    };
  });
}

async function extendFromRow(job: Job, seconds: number): Promise<void> {
  try {
    const extended = await extendJob(job, seconds);
    toast(`${nameOf(job)}: ${extendedText(extended, { from: job, seconds, nowMs: nowMs() })}`, 'good');
  } catch (error) {
    if (!(error instanceof WorldLandError)) throw error;
    const why = failureInWords(error).title;
    const isUnknown = outcomeOf(error) === 'unknown';
    toast(
      isUnknown
        ? `${why}. It is not known whether ${nameOf(job)} was extended: look at its end, then try again.`
        : `${nameOf(job)} was not extended: ${why}.`,
      'bad',
    );
  }
}
