import type { ComponentChildren } from 'preact';
import { isCode } from '../../src/client/index.js';
import type { Receipt } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { PageHead } from '../app/page.js';
import type { PageProps } from '../app/router.js';
import { act, broker, login, useResource } from '../live/index.js';
import { Badge, ConnectFirst, Empty, LinkButton, Loaded, Skeleton } from '../parts/index.js';
import { SaveButton } from '../parts/save-button.js';
import { saveFile } from '../parts/save-file.js';
import { previousOf, requireOfJob } from './receipt-facts.js';
import { ReceiptView } from './receipt-view.js';
import { receiptsAsJson, verifyOne } from './verify.js';
import { VerifyCard } from './verify-card.js';

const listOfReceipts = '/cost?view=receipts';
const earnedReceipts = '/provider?view=receipts';
const digestPattern = /^0x[0-9a-fA-F]{64}$/;

/** One receipt, by its digest. */
export default function ReceiptPage({ params: { digest = '' } }: PageProps) {
  const load = digestPattern.test(digest) ? () => broker().receipts.get(digest.toLowerCase()) : undefined;
  return <Shown what={digest} load={load} />;
}

/** A receipt of a job that one of the wallet's machines earned with. */
export function EarnedReceiptPage({ params: { digest = '' } }: PageProps) {
  const load = digestPattern.test(digest) ? () => broker().receipts.getEarned(digest.toLowerCase()) : undefined;
  return <Shown what={`earned:${digest}`} load={load} of="owner" />;
}

/** The last receipt of a job: what it cost after all refunds. */
export function ReceiptOfJobPage({ params: { id = '' } }: PageProps) {
  return <Shown what={`job:${id}`} load={async () => requireOfJob(await broker().receipts.ofJob(id), id)} of="job" />;
}

interface ShownProps {
  /** Names the reading. */
  what: string;
  /** Absent: the address names none. */
  load: (() => Promise<Receipt>) | undefined;
  /** How it was asked for: by its digest, as the last one of a job, or as one that a machine earned with. */
  of?: 'digest' | 'job' | 'owner';
}

function Shown({ what, load, of = 'digest' }: ShownProps) {
  const wallet = login.value?.wallet;
  const receipt = useResource<Receipt>(
    wallet === undefined || load === undefined ? undefined : `receipts:${wallet}:one:${what}`,
    async () => await load!(),
  );
  if (wallet === undefined) {
    return (
      <>
        <PageHead title="Receipt" />
        <ConnectFirst what="Receipts" />
      </>
    );
  }
  const code = receipt.error?.code;
  const isMissing = code === 'receipt_not_found' || code === 'job_not_found' || code === 'validation_failed';
  if (load === undefined || isMissing)
    return <Missing of={of === 'job' && code !== 'receipt_not_found' ? 'digest' : of} />;
  if (receipt.data === undefined) {
    return (
      <>
        <PageHead title="Receipt" />
        <Loaded of={receipt} skeleton={<Skeleton lines={5} height={5} />}>
          {() => null}
        </Loaded>
      </>
    );
  }
  return (
    <Whole of={receipt.data} isOwners={of === 'owner'}>
      <Loaded of={receipt}>{(data) => <Body receipt={data} isOwners={of === 'owner'} />}</Loaded>
    </Whole>
  );
}

function Whole({ of: receipt, isOwners, children }: { of: Receipt; isOwners: boolean; children: ComponentChildren }) {
  const { message } = receipt.typed_data;
  const name = `receipt-${message.number}.json`;
  const save = async () => saveFile(name, 'application/json', await act(async () => await receiptsAsJson([receipt])));
  return (
    <>
      <PageHead
        title={`Receipt ${message.number}`}
        heading={
          <span class="row">
            Receipt {message.number}{' '}
            <Badge tone={receipt.status === 'signed' ? 'good' : 'busy'} glyph={receipt.status === 'signed' ? '✓' : '◐'}>
              {receipt.status === 'signed' ? 'signed' : 'not signed yet'}
            </Badge>
          </span>
        }
        lead={
          <>
            for{' '}
            {isOwners ? (
              <span class="mono">job …{message.jobId.slice(-4)}</span>
            ) : (
              <Link to={`/jobs/${segment(message.jobId)}`}>job …{message.jobId.slice(-4)}</Link>
            )}{' '}
            · <Link to={isOwners ? earnedReceipts : listOfReceipts}>all receipts</Link>
          </>
        }
      >
        <SaveButton what="the receipt" save={save}>
          Save as JSON
        </SaveButton>
      </PageHead>
      {children}
    </>
  );
}

function Body({ receipt, isOwners }: { receipt: Receipt; isOwners: boolean }) {
  const before = previousOf(receipt.typed_data.message);
  // The one before it is its customer's, and may be of another owner's machine.
  const readOwn = async (digest: string) =>
    await act(() => broker().receipts.get(digest)).catch((error: unknown) => {
      if (isCode(error, 'receipt_not_found')) return null;
      throw error;
    });
  return (
    <div class="stack loose">
      <ReceiptView
        receipt={receipt}
        previous={
          before !== undefined &&
          !isOwners && <Link to={`/receipts/${segment(before)}`}>receipt {receipt.typed_data.message.number - 1}</Link>
        }
      />
      <VerifyCard
        key={receipt.digest}
        receipt={receipt}
        verify={() =>
          isOwners ? verifyOne(receipt, async () => undefined) : verifyOne(receipt, readOwn, login.peek()?.wallet)
        }
      />
    </div>
  );
}

/** A receipt of somebody else looks the same as one that does not exist: the broker tells nobody which it is. */
function Missing({ of }: { of: 'digest' | 'job' | 'owner' }) {
  return (
    <>
      <PageHead title="No such receipt" />
      {of === 'job' ? (
        <Empty title="This job has no receipt" action={<LinkButton to="/jobs">Your jobs</LinkButton>}>
          A job gets one when it ends, if SSH ever answered. One that never answered costs nothing.
        </Empty>
      ) : (
        <Empty
          title="Your wallet has no receipt at this address"
          action={<LinkButton to={of === 'owner' ? earnedReceipts : listOfReceipts}>Your receipts</LinkButton>}
        >
          The address may be cut off, or the receipt may be of another wallet.
        </Empty>
      )}
    </>
  );
}
