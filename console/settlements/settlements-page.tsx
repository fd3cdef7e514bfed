import { useState } from 'preact/hooks';
import type { SettlementSummary } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { PageHead } from '../app/page.js';
import { hasChain } from '../chain/has-chain.js';
import { NoChain } from '../chain/no-chain.js';
import { nowMs, useResource } from '../live/index.js';
import { Card, Empty, LinkButton, Loaded, Skeleton, State, Table, Time, Untrusted } from '../parts/index.js';
import { ShowMore } from '../parts/show-more.js';
import { readSettlements } from './read-settlements.js';
import { stateOf } from './settlement-words.js';

const everyMs = 15_000;
const pageSize = 50;

/** Everything that was put on the chain, for everybody to look at. */
export default function SettlementsPage() {
  const isThere = hasChain();
  const [most, setMost] = useState(pageSize);
  const list = useResource<SettlementSummary[]>(
    isThere === true ? `chain:settlements:${most}` : undefined,
    (signal) => readSettlements(most, signal),
    { everyMs, keep: true },
  );
  return (
    <>
      <PageHead
        title="Settlements"
        lead="What all jobs together have moved on the chain: what each wallet has spent and earned in all. It is public before it counts."
      >
        {isThere === true && <LinkButton to="/deposits">Deposits</LinkButton>}
      </PageHead>
      {isThere === undefined && <Skeleton lines={4} height={3} />}
      {isThere === false && <NoChain />}
      {isThere === true && (
        <Card title="All settlements" flush>
          <Loaded of={list} skeleton={<Skeleton lines={3} height={2.75} />}>
            {(rows) => (
              <>
                <Rows rows={rows} />
                {rows.length === most && <ShowMore busy={list.loading} onClick={() => setMost(most + pageSize)} />}
              </>
            )}
          </Loaded>
        </Card>
      )}
    </>
  );
}

function Rows({ rows }: { rows: readonly SettlementSummary[] }) {
  return (
    <Table
      caption="Settlements, newest first"
      rows={rows}
      rowKey={({ number }) => String(number)}
      empty={
        <Empty title="Nothing was settled yet">
          A settlement is proposed here some time after the first job has ended.
        </Empty>
      }
      columns={[
        {
          key: 'number',
          head: 'Number',
          card: 'title',
          cell: ({ number }) => <Link to={`/settlements/${number}`}>Settlement {number}</Link>,
        },
        { key: 'state', head: 'State', cell: (row) => <Where row={row} /> },
        {
          key: 'proposed',
          head: 'Proposed',
          cell: ({ proposed_at: at }) => (at === null ? <span class="soft">–</span> : <Time at={at} />),
        },
        {
          key: 'from',
          head: 'Executable from',
          cell: ({ executable_at: at }) => (at === null ? <span class="soft">–</span> : <Time at={at} />),
        },
        {
          key: 'executed',
          head: 'Executed',
          cell: ({ executed_at: at }) => (at === null ? <span class="soft">–</span> : <Time at={at} />),
        },
      ]}
    />
  );
}

export function Where({ row }: { row: SettlementSummary }) {
  const { tone, word } = stateOf(row, nowMs());
  const { waits_for: waits } = row;
  return (
    <span class="stack tight">
      <State tone={tone}>{word}</State>
      {waits !== null && row.status === 'proposed' && (
        <span class="small soft">
          waits for <Untrusted text={waits.what} max={120} />
        </span>
      )}
    </span>
  );
}
