import type { ComponentChildren } from 'preact';
import { api, broker, token, useResource } from '../live/index.js';
import { Card, Empty, Loaded, Money, plain, Skeleton, Table, Untrusted } from '../parts/index.js';
import { payRows } from './pay-rows.js';

const mostTypes = 8;

/** What renting out is, in a sentence. */
export const inShort =
  'Customers rent your machine by the hour, and what they pay is booked to your wallet. You set the price, and may stop at any time.';

/** For who rents out nothing yet: what it pays, what it takes, and how to begin. */
export function StartHere({ action }: { action: ComponentChildren }) {
  return (
    <div class="start-here">
      <Card title="How to begin">
        <div class="stack loose">
          <ol class="hosting-steps">
            <li>
              <b>Two commands on the machine.</b>{' '}
              <span class="soft">
                The first looks whether it is ready and changes nothing; the second registers it.
              </span>
            </li>
            <li>
              <b>One signature in your wallet.</b>{' '}
              <span class="soft">The wallet’s key never comes near the machine.</span>
            </li>
            <li>
              <b>It serves a minute later.</b> <span class="soft">Its row turns green here while you look.</span>
            </li>
          </ol>
          <div class="row">
            {action}
            <a href={`${api}/docs/provider`}>What the machine needs</a>
          </div>
        </div>
      </Card>
      <WhatItPays />
    </div>
  );
}

function WhatItPays() {
  const market = useResource('market', () => broker().market.now(), { everyMs: 10_000 });
  const symbol = plain(token().symbol, 12);
  return (
    <Card
      title="What a GPU brings"
      aside={<span class="small soft">{symbol}, if rented all the time at today’s median</span>}
      flush
    >
      <Loaded of={market} skeleton={<Skeleton lines={4} height={2} />}>
        {({ gpu_types: types }) => (
          <Table
            caption="What one GPU of each type brings"
            rows={payRows(types, mostTypes, token().decimals)}
            rowKey={({ gpuType }) => gpuType}
            empty={
              <Empty title="Nobody has set a price yet">You would be the first, and your price the market’s.</Empty>
            }
            columns={[
              { key: 'gpu', head: 'GPU', cell: ({ name }) => <Untrusted text={name} max={40} />, card: 'title' },
              { key: 'hour', head: 'an hour', align: 'end', cell: ({ perHour }) => <Money units={perHour} bare /> },
              { key: 'day', head: 'a day', align: 'end', cell: ({ perDay }) => <Money units={perDay} bare /> },
              {
                key: 'month',
                head: '30 days',
                align: 'end',
                cell: ({ per30Days }) => <Money units={per30Days} bare />,
              },
              {
                key: 'rented',
                head: 'rented now',
                align: 'end',
                cell: ({ rented }) => <span class="num">{Math.round(rented * 100)} %</span>,
              },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
