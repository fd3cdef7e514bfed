import { PageHead } from '../app/page.js';
import type { PageProps } from '../app/router.js';
import { login, nowMs } from '../live/index.js';
import { ConnectFirst } from '../parts/index.js';
import { ByJobCard } from './by-job-card.js';
import { DaysCard } from './days-card.js';
import { RangePicker } from './range-picker.js';
import { readRange } from './range.js';
import { Totals } from './totals.js';

/** What the wallet's jobs cost: now, by day, and by job or machine. */
export default function CostPage({ query }: PageProps) {
  if (login.value === undefined) {
    return (
      <>
        <PageHead title="Cost" />
        <ConnectFirst what="Costs" />
      </>
    );
  }
  const range = readRange(query, nowMs());
  return (
    <>
      <PageHead title="Cost" lead="A job is charged when it ends, for the seconds in which it was served." />
      <Totals range={range} />
      <RangePicker range={range} />
      <DaysCard range={range} />
      <ByJobCard range={range} by={query.get('by') === 'provider' ? 'provider' : 'job'} />
    </>
  );
}
