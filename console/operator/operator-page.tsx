import { PageHead } from '../app/page.js';
import { navigate, type PageProps } from '../app/router.js';
import { dropOperator, login, mayBeAdmin, requireOperator, useOperator, whoami } from '../live/index.js';
import { hasChain } from '../chain/has-chain.js';
import { Late } from '../parts/late.js';
import { Button, Empty, shortAddress, Tabs } from '../parts/index.js';
import { AuditView } from './audit-view.js';
import { BlocksView } from './blocks-view.js';
import { JobsView } from './jobs-view.js';
import { LettersView } from './letters-view.js';
import { MachinesView } from './machines-view.js';
import { MoneyView } from './money-view.js';
import { NowView } from './now-view.js';
import { viewTo, type View } from './parts.js';
import { ReceiptsView } from './receipts-view.js';

const all: readonly { value: View; label: string }[] = [
  { value: 'now', label: 'Now' },
  { value: 'jobs', label: 'Jobs' },
  { value: 'machines', label: 'Machines' },
  { value: 'money', label: 'Money' },
  { value: 'settlements', label: 'Settlements' },
  { value: 'receipts', label: 'Receipts' },
  { value: 'letters', label: 'Dead letters' },
  { value: 'audit', label: 'Audit' },
  { value: 'blocks', label: 'Blocks' },
];

/** The site as its operators see and mend it. Every request is signed with a key that is in memory only. */
export default function OperatorPage({ query }: PageProps) {
  const client = useOperator();
  if (client === undefined) {
    return (
      <>
        <PageHead title="Operator" />
        <Gate />
      </>
    );
  }
  const asked = query.get('view');
  const views = hasChain() === true ? all : all.filter(({ value }) => value !== 'settlements');
  const view = views.find(({ value }) => value === asked)?.value ?? 'now';
  const wallet = client.session?.wallet;
  return (
    <>
      <PageHead
        title="Operator"
        lead={`Signed as ${wallet === undefined ? 'an operator' : shortAddress(wallet)}; a reload asks the wallet again.`}
      >
        <Button onClick={dropOperator}>Leave</Button>
      </PageHead>
      <Tabs
        label="Views"
        value={view}
        onChange={(value) => navigate(viewTo(value as View))}
        tabs={views.map(({ value, label }) => ({ value, label, content: () => contentOf(value, query) }))}
      />
    </>
  );
}

function contentOf(view: View, query: URLSearchParams) {
  switch (view) {
    case 'jobs':
      return <JobsView query={query} />;
    case 'machines':
      return <MachinesView query={query} />;
    case 'money':
      return <MoneyView query={query} />;
    case 'settlements':
      return <Late load={() => import('./settlements-view.js')} with={{}} />;
    case 'receipts':
      return <ReceiptsView query={query} />;
    case 'letters':
      return <LettersView query={query} />;
    case 'audit':
      return <AuditView query={query} />;
    case 'blocks':
      return <BlocksView query={query} />;
    case 'now':
      return <NowView />;
  }
}

/** Who may come in, and how. */
function Gate() {
  const isKnownStranger = login.value !== undefined && whoami.value !== undefined && !mayBeAdmin.value;
  const sign = (
    <Button kind={isKnownStranger ? 'quiet' : 'main'} onClick={() => void requireOperator()}>
      {isKnownStranger ? 'Sign with another wallet' : 'Sign as an operator'}
    </Button>
  );
  if (isKnownStranger) {
    return (
      <Empty title="This page is for the operators of this broker" action={sign}>
        The wallet {shortAddress(login.value!.wallet)} is none of them. Whoever runs the broker names its operators in{' '}
        <code>ADMIN_WALLETS</code>. Your own jobs and machines are in the menu above.
      </Empty>
    );
  }
  return (
    <Empty title="Operators sign each request" action={sign}>
      Your wallet signs once, and a key in the memory of this page signs what you do here. Nothing of it is stored, so a
      reload asks the wallet again.
    </Empty>
  );
}
