import type { Settlement } from '../../src/client/types.generated.js';
import { PageHead } from '../app/page.js';
import type { PageProps } from '../app/router.js';
import { hasChain } from '../chain/has-chain.js';
import { NoChain } from '../chain/no-chain.js';
import { login, nowMs, useResource } from '../live/index.js';
import { CopyIcon } from '../parts/copy-icon.js';
import {
  Badge,
  Card,
  Countdown,
  Empty,
  LinkButton,
  Loaded,
  plain,
  shortAddress,
  Skeleton,
  Table,
  Time,
  Untrusted,
} from '../parts/index.js';
import { CheckCard } from './check-card.js';
import { readSettlement } from './read-settlements.js';
import { linesOf, stateOf, voidInWords, type Line } from './settlement-words.js';

const everyMs = 15_000;

/** One settlement: when it counts, all of its lines, and a check of it. */
export default function SettlementPage({ params: { number = '' } }: PageProps) {
  const isThere = hasChain();
  const isNumber = /^[1-9]\d{0,14}$/.test(number);
  const settlement = useResource<Settlement>(
    isThere === true && isNumber ? `chain:settlement:${number}` : undefined,
    (signal) => readSettlement(number, signal),
    { everyMs },
  );
  if (isThere === false)
    return (
      <>
        <PageHead title="Settlement" />
        <NoChain />
      </>
    );
  if (!isNumber || settlement.error?.code === 'settlement_not_found')
    return (
      <>
        <PageHead title="No such settlement" />
        <Empty
          title="There is no settlement at this address"
          action={<LinkButton to="/settlements">All settlements</LinkButton>}
        >
          One that is not proposed yet has no page.
        </Empty>
      </>
    );
  return (
    <>
      <PageHead
        title={`Settlement ${number}`}
        heading={
          <span class="row">
            Settlement {number} {settlement.data !== undefined && <Mark of={settlement.data} />}
          </span>
        }
      >
        <LinkButton to="/settlements">All settlements</LinkButton>
      </PageHead>
      <Loaded of={settlement} skeleton={<Skeleton lines={4} height={4} />}>
        {(read) => (
          <div class="stack loose">
            <div class="deposit-ways">
              <Facts settlement={read} />
              <CheckCard key={`${read.hash} ${read.status}`} settlement={read} />
            </div>
            <Lines settlement={read} />
          </div>
        )}
      </Loaded>
    </>
  );
}

function Mark({ of }: { of: Settlement }) {
  const { tone, word } = stateOf(of, nowMs());
  return <Badge tone={tone}>{word}</Badge>;
}

function Facts({ settlement }: { settlement: Settlement }) {
  const { status, executable_at: from, executed_at: executed, proposed_at: proposed } = settlement;
  const { hash, vault, chain_id: chainId, tx, waits_for: waits, void_reason: reason } = settlement;
  return (
    <Card title="When it counts">
      <div class="stack">
        {status === 'void' && <p>{voidInWords(reason)}</p>}
        {status === 'proposed' && from !== null && Date.parse(from) > nowMs() && (
          <p>
            Everybody can look at it for <Countdown to={from} /> more; the guardian can veto it until it is executed.
          </p>
        )}
        {status === 'proposed' && waits !== null && (
          <p class="soft">
            It waits for <Untrusted text={waits.what} max={160} />, since <Time at={waits.since} />.
          </p>
        )}
        <dl class="facts">
          {proposed !== null && <At name="Proposed" at={proposed} />}
          {from !== null && <At name="Executable from" at={from} />}
          {executed !== null && <At name="Executed" at={executed} />}
          <div>
            <dt>Chain</dt>
            <dd>
              id <span class="num">{chainId}</span>
            </dd>
          </div>
          <Hex name="Vault" text={vault} />
          <Hex name="Hash" text={hash} />
          {tx.propose !== null && <Hex name="Proposed in" text={tx.propose} />}
          {tx.execute !== null && <Hex name="Executed in" text={tx.execute} />}
        </dl>
      </div>
    </Card>
  );
}

function At({ name, at }: { name: string; at: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Time at={at} />
      </dd>
    </div>
  );
}

function Hex({ name, text }: { name: string; text: string }) {
  const shown = /^0x[0-9a-fA-F]{1,64}$/.test(text) ? text : plain(text, 66);
  return (
    <div>
      <dt>{name}</dt>
      <dd class="with-copy">
        <code>{shown}</code>
        <CopyIcon text={shown} what={`the ${name.toLowerCase()}`} />
      </dd>
    </div>
  );
}

function Lines({ settlement }: { settlement: Settlement }) {
  const { draws, credits } = linesOf(settlement, login.value?.wallet);
  const symbol = plain(settlement.token?.symbol, 12);
  return (
    <div class="deposit-ways">
      <LineTable
        title="Spent in all"
        caption="What was drawn in all from each customer whose total changed"
        rows={draws}
        symbol={symbol}
      />
      <LineTable
        title="Earned in all"
        caption="What was credited in all to each payee whose total changed"
        rows={credits}
        symbol={symbol}
      />
    </div>
  );
}

interface LineTableProps {
  title: string;
  caption: string;
  rows: readonly Line[];
  symbol: string;
}

function LineTable({ title, caption, rows, symbol }: LineTableProps) {
  return (
    <Card title={title} flush>
      <Table
        caption={caption}
        rows={rows}
        rowKey={({ wallet }) => wallet}
        rowClass={({ isOwn }) => (isOwn ? 'is-own' : undefined)}
        empty={<Empty title="No line">Nobody’s total changed here.</Empty>}
        columns={[
          {
            key: 'wallet',
            head: 'Wallet',
            card: 'title',
            cell: ({ wallet, isOwn }) => (
              <span class="with-copy">
                <span class="mono" title={wallet}>
                  {shortAddress(wallet)}
                </span>
                {isOwn && <b class="own-mark">you</b>}
                <CopyIcon text={wallet} what="the wallet" />
              </span>
            ),
          },
          {
            key: 'total',
            head: 'In all',
            align: 'end',
            cell: ({ total }) => (
              <span class="num">
                {plain(total, 60)} {symbol}
              </span>
            ),
          },
        ]}
      />
    </Card>
  );
}
