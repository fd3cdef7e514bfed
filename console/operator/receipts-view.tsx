import { useState } from 'preact/hooks';
import type { Receipt } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { setQuery } from '../app/router.js';
import { actAsOperator } from '../live/index.js';
import { Button, Card, Empty, Input, Loaded, Select, Skeleton } from '../parts/index.js';
import { SaveCsv } from '../parts/save-csv.js';
import { ReceiptTable } from '../receipts/receipt-table.js';
import { ReceiptView } from '../receipts/receipt-view.js';
import { VerifyAll } from '../receipts/verify-all.js';
import { VerifyCard } from '../receipts/verify-card.js';
import { verifyMany, verifyOne } from '../receipts/verify.js';
import { usePaged } from './as-operator.js';
import { Filters, More, viewTo, Wallet } from './parts.js';

const walletPattern = /^0x[0-9a-fA-F]{40}$/;
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const statuses = ['signed', 'pending'] as const;

/** The receipts of all customers. */
export function ReceiptsView({ query }: { query: URLSearchParams }) {
  const [wallet, job, status] = ['wallet', 'job', 'status'].map((name) => query.get(name) ?? '') as [
    string,
    string,
    string,
  ];
  const [typed, setTyped] = useState({ wallet, job, status });
  const [shown, setShown] = useState<Receipt>();
  const asked = {
    ...(walletPattern.test(wallet) ? { wallet } : {}),
    ...(uuidPattern.test(job) ? { jobId: job } : {}),
    ...(statuses.some((each) => each === status) ? { status: status as (typeof statuses)[number] } : {}),
  };
  const rows = usePaged<Receipt>(
    `receipts:${JSON.stringify(asked)}`,
    async (client, cursor) => await client.admin.receipts(asked).page(cursor),
    60_000,
  );
  const walletProblem =
    typed.wallet === '' || walletPattern.test(typed.wallet) ? undefined : 'A wallet is 0x and 40 hex digits.';
  const jobProblem = typed.job === '' || uuidPattern.test(typed.job) ? undefined : 'The whole id of a job.';
  const apply = () => {
    if (walletProblem === undefined && jobProblem === undefined) setQuery({ ...typed });
  };
  const clear = () => {
    setTyped({ wallet: '', job: '', status: '' });
    setQuery({ wallet: undefined, job: undefined, status: undefined });
  };
  if (shown !== undefined) return <OneReceipt receipt={shown} onBack={() => setShown(undefined)} />;
  const csvQuery = {
    ...(asked.wallet === undefined ? {} : { wallet: asked.wallet }),
    ...(asked.jobId === undefined ? {} : { job_id: asked.jobId }),
    ...(asked.status === undefined ? {} : { status: asked.status }),
  };
  return (
    <div class="stack">
      <Filters onApply={apply} onClear={Object.keys(asked).length === 0 ? undefined : clear}>
        <Input
          label="Customer"
          placeholder="0x…"
          class="typed"
          value={typed.wallet}
          error={walletProblem}
          onInput={(value) => setTyped({ ...typed, wallet: value.trim() })}
        />
        <Input
          label="Job"
          placeholder="id"
          class="typed"
          value={typed.job}
          error={jobProblem}
          onInput={(value) => setTyped({ ...typed, job: value.trim() })}
        />
        <Select
          label="State"
          value={typed.status}
          options={[
            { value: '', label: 'all' },
            { value: 'signed', label: 'signed' },
            { value: 'pending', label: 'not signed yet' },
          ]}
          onChange={(value) => setTyped({ ...typed, status: value })}
        />
      </Filters>
      <Card
        flush
        title="Receipts"
        aside={<SaveCsv path="/api/v1/admin/receipts" query={csvQuery} name="receipts.csv" as="operator" />}
      >
        <Loaded of={rows.first} skeleton={<Skeleton lines={6} height={2} />}>
          {() => (
            <ReceiptTable
              caption="Receipts of all customers, newest first"
              rows={rows.items}
              amount="charged"
              empty={
                <Empty title="There is no receipt like that">Each job whose SSH answered gets one when it ends.</Empty>
              }
              nameOf={(receipt) => (
                <Button size="s" onClick={() => setShown(receipt)}>
                  Receipt {receipt.typed_data.message.number}
                </Button>
              )}
              jobOf={({ typed_data: { message } }) => <JobLink id={message.jobId} />}
              more={[
                {
                  key: 'customer',
                  head: 'Customer',
                  cell: ({ typed_data: { message } }) => <Wallet address={message.customer} />,
                },
              ]}
            />
          )}
        </Loaded>
        <More of={rows} />
      </Card>
      {asked.wallet !== undefined && asked.jobId === undefined && asked.status === undefined && (
        <VerifyAll
          key={asked.wallet}
          what="all receipts of this customer"
          lead="Recomputes every digest and figure in this browser, finds out who signed, and looks whether one is missing."
          verify={async () => {
            const all = await actAsOperator(async (client) => await client.admin.receipts(asked).all());
            return await verifyMany(all, { areAll: true });
          }}
        />
      )}
    </div>
  );
}

function JobLink({ id }: { id: string }) {
  return (
    <Link to={viewTo('jobs', { job: id })} title={id} class="mono">
      …{id.slice(-4)}
    </Link>
  );
}

function OneReceipt({ receipt, onBack }: { receipt: Receipt; onBack(): void }) {
  const { message } = receipt.typed_data;
  const readPrevious = async (digest: string) => {
    const { customer } = message;
    const ofCustomer = await actAsOperator(async (client) => await client.admin.receipts({ wallet: customer }).all());
    return ofCustomer.find((each) => each.digest === digest) ?? null;
  };
  return (
    <div class="stack loose">
      <div class="row spread">
        <Button size="s" onClick={onBack}>
          ← All receipts
        </Button>
        <span>
          Receipt {message.number} of <Wallet address={message.customer} /> for <JobLink id={message.jobId} />
        </span>
      </div>
      <ReceiptView receipt={receipt} />
      <VerifyCard receipt={receipt} verify={() => verifyOne(receipt, readPrevious)} />
    </div>
  );
}
