import { useState } from 'preact/hooks';
import type { Receipt } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { segment } from '../app/match.js';
import { act, broker, login, useResource } from '../live/index.js';
import { Card, Empty, Loaded, Skeleton } from '../parts/index.js';
import { ShowMore } from '../parts/show-more.js';
import { SaveButton } from '../parts/save-button.js';
import { SaveCsv } from '../parts/save-csv.js';
import { saveFile } from '../parts/save-file.js';
import { ReceiptTable } from '../receipts/receipt-table.js';
import { VerifyAll } from '../receipts/verify-all.js';
import { receiptsAsJson, verifyMany } from '../receipts/verify.js';

const everyMs = 60_000;
const firstShown = 50;

/** Receipts of the jobs that the wallet's machines earned with. */
export function EarnedReceipts() {
  const [most, setMost] = useState(firstShown);
  const receipts = useResource<Receipt[]>(
    `earnings:${login.value?.wallet ?? ''}:receipts:${most}`,
    async () => await broker().receipts.earned().all(most),
    { everyMs, keep: true },
  );
  return (
    <div class="stack loose">
      <Card
        title="Receipts of jobs on your machines"
        aside={
          <>
            <SaveButton what="the list" save={saveAll}>
              Save as JSON
            </SaveButton>
            <SaveCsv path="/api/v1/me/earnings/receipts" name="earned-receipts.csv" />
          </>
        }
        flush
      >
        <Loaded of={receipts} skeleton={<Skeleton lines={4} height={2.75} />}>
          {(rows) => (
            <>
              <ReceiptTable
                caption="Receipts of jobs on your machines, newest first"
                rows={rows}
                amount="earned"
                empty={
                  <Empty title="There are no receipts yet">
                    Each job whose SSH answered gets one when it ends, once your wallet is proven.
                  </Empty>
                }
                nameOf={({ digest }) => (
                  <Link to={`/provider/receipts/${segment(digest)}`} title={digest} class="mono">
                    …{digest.slice(-6)}
                  </Link>
                )}
                jobOf={({ typed_data: { message } }) => (
                  <span title={message.jobId} class="mono">
                    …{message.jobId.slice(-4)}
                  </span>
                )}
              />
              {rows.length === most && <ShowMore busy={receipts.loading} onClick={() => setMost(most + firstShown)} />}
            </>
          )}
        </Loaded>
      </Card>
      <VerifyAll
        what="all of these receipts"
        lead="Reads all of them, recomputes every digest and figure in this browser, and finds out who signed. Whether one is missing, only its customer can tell: numbers count the receipts of a customer."
        verify={async () => await verifyMany(await act(readAll), { areAll: false })}
      />
    </div>
  );
}

const readAll = async () => await broker().receipts.earned({ limit: 100 }).all();

async function saveAll(): Promise<void> {
  saveFile('earned-receipts.json', 'application/json', await receiptsAsJson(await act(readAll)));
}
