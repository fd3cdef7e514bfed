import type { Payout } from '../../src/client/index.js';
import { hasChain } from '../chain/has-chain.js';
import { broker, login, useResource } from '../live/index.js';
import { CopyIcon } from '../parts/copy-icon.js';
import { Card, Empty, Loaded, Money, plain, Skeleton, Table, Time, Untrusted } from '../parts/index.js';
import { ShowMore } from '../parts/show-more.js';
import { useState } from 'preact/hooks';

const everyMs = 60_000;
const firstShown = 50;

/** What the wallet was paid, each time with the reference by which it is found. */
export function PayoutsCard() {
  const [most, setMost] = useState(firstShown);
  const payouts = useResource<Payout[]>(
    `earnings:${login.value?.wallet ?? ''}:payouts:${most}`,
    async () => await broker().providers.payouts().all(most),
    { everyMs, keep: true },
  );
  return (
    <Card title="Payouts" flush>
      <Loaded of={payouts} skeleton={<Skeleton lines={2} height={2.75} />}>
        {(rows) => (
          <>
            <Table
              caption="What you were paid, newest first"
              rows={rows}
              rowKey={({ id }) => id}
              empty={
                <Empty title="Nothing was paid out yet">
                  {hasChain() === true
                    ? 'A settlement credits you what you earn, and your wallet takes it out of the vault: see above.'
                    : 'The operator pays you outside of this broker, and writes it down here with a reference.'}
                </Empty>
              }
              columns={[
                { key: 'at', head: 'Written down', card: 'title', cell: ({ at }) => <Time at={at} /> },
                {
                  key: 'reference',
                  head: 'Reference',
                  cell: ({ reference }) => (
                    <span class="with-copy payout-reference">
                      <Untrusted text={reference} max={200} />
                      <CopyIcon text={plain(reference, 200)} what="the reference" />
                    </span>
                  ),
                },
                { key: 'amount', head: 'Paid', align: 'end', cell: ({ amount }) => <Money units={amount} /> },
              ]}
            />
            {rows.length === most && <ShowMore busy={payouts.loading} onClick={() => setMost(most + firstShown)} />}
          </>
        )}
      </Loaded>
    </Card>
  );
}
