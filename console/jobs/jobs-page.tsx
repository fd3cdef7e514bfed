import { useState } from 'preact/hooks';
import { PageHead } from '../app/page.js';
import { setQuery, type PageProps } from '../app/router.js';
import { isStreaming, login } from '../live/index.js';
import { Button, Card, ConnectFirst, Empty, LinkButton, Loaded, Segmented, Skeleton, State } from '../parts/index.js';
import { readShow, type Show } from './job-list.js';
import { JobTable } from './job-table.js';
import { useJobs, type JobRows } from './use-jobs.js';

const labels: Readonly<Record<Show, string>> = { active: 'Active', ended: 'Ended', failed: 'Failed', all: 'All' };

/** All jobs of the wallet: what runs, what it costs, when it ends. */
export default function JobsPage({ query }: PageProps) {
  const show = readShow(query.get('show'));
  return (
    <>
      <PageHead title="Jobs">
        <LinkButton to="/rent" kind="main">
          Rent
        </LinkButton>
      </PageHead>
      {login.value === undefined ? (
        <ConnectFirst what="Jobs" />
      ) : (
        <Jobs key={`${login.value.wallet} ${show}`} show={show} />
      )}
    </>
  );
}

function Live() {
  return isStreaming.value ? <State tone="good">live</State> : <State tone="off">read every half minute</State>;
}

function Jobs({ show }: { show: Show }) {
  const [pages, setPages] = useState(1);
  const jobs = useJobs(show, pages);
  return (
    <div class="stack">
      <div class="row spread">
        <Segmented
          label="Which jobs"
          value={show}
          options={Object.entries(labels).map(([value, label]) => ({ value, label }))}
          onChange={(value) => setQuery({ show: value === 'active' ? undefined : value })}
        />
        <Live />
      </div>
      <Card flush>
        <Loaded of={jobs} skeleton={<Skeleton lines={5} height={2.75} />}>
          {(data) => <Rows data={data} show={show} onMore={() => setPages(pages + 1)} />}
        </Loaded>
      </Card>
    </div>
  );
}

function Rows({ data: { rows, hasMore }, show, onMore }: { data: JobRows; show: Show; onMore(): void }) {
  if (rows.length === 0) return <Nothing show={show} />;
  return (
    <>
      <JobTable rows={rows} />
      {hasMore && (
        <p class="row jobs-more">
          <Button onClick={onMore}>Show older jobs</Button>
        </p>
      )}
    </>
  );
}

function Nothing({ show }: { show: Show }) {
  const toMarket = <LinkButton to="/">See what is free</LinkButton>;
  switch (show) {
    case 'active':
      return (
        <Empty
          title="Nothing runs"
          action={
            <>
              <LinkButton to="/rent" kind="main">
                Rent a GPU
              </LinkButton>
              <Button onClick={() => setQuery({ show: 'ended' })}>See ended jobs</Button>
            </>
          }
        >
          A job that you order is here from its first second: you watch it start, log in, extend it and end it.
        </Empty>
      );
    case 'failed':
      return <Empty title="No job has failed" action={toMarket} />;
    case 'ended':
      return (
        <Empty title="No job has ended yet" action={toMarket}>
          What jobs have cost stays here, and under Cost.
        </Empty>
      );
    case 'all':
      return (
        <Empty title="You have no jobs yet" action={toMarket}>
          Choose a GPU, an image and your SSH key. Seconds are counted from the moment at which SSH answers.
        </Empty>
      );
  }
}
