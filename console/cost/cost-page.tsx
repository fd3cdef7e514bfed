import { PageHead } from '../app/page.js';
import { setQuery, type PageProps } from '../app/router.js';
import { login, nowMs } from '../live/index.js';
import { hasChain } from '../chain/has-chain.js';
import { ConnectFirst, LinkButton, Tabs } from '../parts/index.js';
import { ByJobCard } from './by-job-card.js';
import { CapCard } from './cap-card.js';
import { DaysCard } from './days-card.js';
import { RangePicker } from './range-picker.js';
import { readRange } from './range.js';
import { ReceiptsView } from './receipts-view.js';
import { Standing } from './standing.js';
import { StatementView } from './statement-view.js';

const views = [
  { value: 'usage', label: 'Usage' },
  { value: 'statements', label: 'Statements' },
  { value: 'receipts', label: 'Receipts' },
] as const;

type View = (typeof views)[number]['value'];

/** What the wallet's jobs cost: now, by day and job, month by month, and what was signed about each. */
export default function CostPage({ query }: PageProps) {
  if (login.value === undefined) {
    return (
      <>
        <PageHead title="Cost" />
        <ConnectFirst what="Costs" />
      </>
    );
  }
  const asked = query.get('view');
  const view = views.find(({ value }) => value === asked)?.value ?? 'usage';
  return (
    <>
      <PageHead title="Cost" lead="A job is charged when it ends, for the time in which it was served.">
        {hasChain() === true && <LinkButton to="/deposits">Deposits</LinkButton>}
      </PageHead>
      <Standing />
      <CapCard />
      <Tabs
        label="Views"
        value={view}
        onChange={(value) => setQuery({ view: value === 'usage' ? undefined : value })}
        tabs={views.map(({ value, label }) => ({ value, label, content: () => contentOf(value, query) }))}
      />
    </>
  );
}

function contentOf(view: View, query: URLSearchParams) {
  switch (view) {
    case 'statements':
      return <StatementView query={query} />;
    case 'receipts':
      return <ReceiptsView />;
    case 'usage':
      return <Usage query={query} />;
  }
}

function Usage({ query }: { query: URLSearchParams }) {
  const range = readRange(query, nowMs());
  return (
    <div class="stack loose">
      <RangePicker range={range} />
      <DaysCard range={range} />
      <ByJobCard range={range} by={query.get('by') === 'provider' ? 'provider' : 'job'} />
    </div>
  );
}
