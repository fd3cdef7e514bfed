import { useState } from 'preact/hooks';
import type { Receipt } from '../../src/client/types.generated.js';
import type { VerifiedReceipts } from '../../src/client/verify-receipts.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { act, broker, login, nowMs, useResource } from '../live/index.js';
import { Button, Card, Empty, LinkButton, Loaded, Skeleton } from '../parts/index.js';
import { SaveButton } from '../parts/save-button.js';
import { SaveCsv } from '../parts/save-csv.js';
import { saveFile } from '../parts/save-file.js';
import { ReceiptTable } from '../receipts/receipt-table.js';
import { VerifyAll } from '../receipts/verify-all.js';
import { receiptsAsJson, verifyMany } from '../receipts/verify.js';
import { monthOf } from './months.js';

const pageSize = 50;
const everyMs = 60_000;

/** The wallet's receipts, newest first, and whether all of them hold. */
export function ReceiptsView() {
  const [pages, setPages] = useState(1);
  const key = `jobs:${login.value?.wallet ?? ''}:receipts:${pages}`;
  const list = useResource(key, (signal) => readReceipts(pages, signal), { everyMs, keep: true });
  return (
    <div class="stack loose">
      <Card
        title="Receipts"
        aside={
          <>
            <SaveButton what="the list" save={saveAll}>
              Save as JSON
            </SaveButton>
            <SaveCsv path="/api/v1/receipts" name="receipts.csv" />
          </>
        }
        flush
      >
        <Loaded of={list} skeleton={<Skeleton lines={5} height={2.75} />}>
          {({ receipts, hasMore }) => (
            <>
              <ReceiptTable
                caption="Your receipts, newest first"
                rows={receipts}
                amount="charged"
                empty={
                  <Empty title="There are no receipts yet" action={<LinkButton to="/">See what is free</LinkButton>}>
                    Each job whose SSH answered gets one when it ends: what the broker signs about time, price and
                    charge.
                  </Empty>
                }
                nameOf={({ digest, typed_data: { message } }) => (
                  <Link to={`/receipts/${segment(digest)}`}>Receipt {message.number}</Link>
                )}
                jobOf={({ typed_data: { message } }) => (
                  <Link to={`/jobs/${segment(message.jobId)}`} title={message.jobId} class="mono">
                    …{message.jobId.slice(-4)}
                  </Link>
                )}
              />
              {hasMore && (
                <p class="row cost-more">
                  <Button disabled={list.loading} onClick={() => setPages(pages + 1)}>
                    Show more
                  </Button>
                </p>
              )}
            </>
          )}
        </Loaded>
      </Card>
      <VerifyAll
        what="all of your receipts"
        verify={verifyAll}
        lead="Reads all of them, recomputes every digest and figure in this browser, finds out who signed, and looks whether one is missing: they are numbered without a hole, each names the one before it, and your statement names the newest."
      />
    </div>
  );
}

async function readReceipts(pages: number, signal: AbortSignal): Promise<{ receipts: Receipt[]; hasMore: boolean }> {
  const receipts: Receipt[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pages; page++) {
    const { body } = await broker().request('GET', '/api/v1/receipts', { query: { limit: pageSize, cursor }, signal });
    receipts.push(...body.receipts);
    cursor = body.next_cursor;
    if (cursor === undefined) break;
  }
  return { receipts, hasMore: cursor !== undefined };
}

const readAll = async () => await broker().receipts.list({ limit: 100 }).all();

async function verifyAll(): Promise<VerifiedReceipts> {
  // Before the receipts, so that it names none that they do not have yet.
  const statement = await act(() => broker().money.statement(monthOf(nowMs())));
  return await verifyMany(await act(readAll), { areAll: true, customer: login.peek()?.wallet, statement });
}

async function saveAll(): Promise<void> {
  saveFile('receipts.json', 'application/json', await receiptsAsJson(await act(readAll)));
}
