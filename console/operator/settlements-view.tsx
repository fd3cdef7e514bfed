import { useState } from 'preact/hooks';
import type { AdminSettlements } from '../../src/client/types.generated.js';
import { Link } from '../app/link.js';
import { canAct } from '../live/index.js';
import {
  Age,
  Button,
  Card,
  Empty,
  Loaded,
  Money,
  Skeleton,
  Stat,
  State,
  Stats,
  Table,
  Time,
  Untrusted,
} from '../parts/index.js';
import { baseUnitsOf } from '../chain/vault-units.js';
import { useOperatorResource } from './as-operator.js';
import { Wallet } from './parts.js';
import { ResumeSheet } from './resume-sheet.js';
import { coinsInShort, purposeInWords, stopInWords } from './settlement-words.js';

const everyMs = 10_000;

/** What is settled on the chain: where it is, what it waits for, and whether anything has stopped it. */
export default function SettlementsView() {
  const [isResuming, setResuming] = useState(false);
  const state = useOperatorResource('settlements', (client) => client.admin.money.settlements(), everyMs);
  return (
    <Loaded of={state} skeleton={<Skeleton lines={4} height={5} />}>
      {(read) => (
        <div class="stack loose">
          <Figures of={read} />
          {read.stopped !== null && <Stopped stopped={read.stopped} onResume={() => setResuming(true)} />}
          <UnderWay of={read} age={<Age of={state} />} />
          <Sending of={read} />
          <Frozen of={read} />
          {isResuming && read.stopped !== null && (
            <ResumeSheet stopped={read.stopped} onClose={() => setResuming(false)} />
          )}
        </div>
      )}
    </Loaded>
  );
}

function Figures({ of }: { of: AdminSettlements }) {
  const { vault, last_final: last, next_batch_at: next, gas_money_coins: coins, stopped } = of;
  return (
    <Stats>
      <Stat
        label="Last executed"
        value={last === null ? '–' : <Link to={`/settlements/${last.number}`}>{last.number}</Link>}
        note={last === null ? 'none yet' : <Time at={last.at} />}
      />
      <Stat
        label="Next one"
        value={next === null ? '–' : <Time at={next} />}
        note={stopped !== null ? <State tone="bad">settlements are stopped</State> : 'is cut then'}
      />
      <Stat
        label="Gas money"
        value={coins === null ? '–' : coinsInShort(coins)}
        unit="coins"
        note={
          of.gas_money === '0' ? (
            <State tone="bad">send some to the operator’s wallet</State>
          ) : (
            'of the operator’s wallet on the chain'
          )
        }
      />
      <Stat
        label="Fees in the vault"
        value={vault === null ? '–' : <Money units={baseUnitsOf(BigInt(vault.fees), vault.token.decimals)} />}
        note="the treasury may sweep them"
      />
    </Stats>
  );
}

function Stopped({ stopped, onResume }: { stopped: NonNullable<AdminSettlements['stopped']>; onResume(): void }) {
  const { what, look } = stopInWords(stopped.reason);
  return (
    <Card
      title="Settlements are stopped"
      class="has-stuck"
      aside={
        <Button size="s" kind="danger" disabled={!canAct.value} aria-haspopup="dialog" onClick={onResume}>
          Let them go on…
        </Button>
      }
    >
      <div class="stack tight">
        <p>
          <State tone="bad">
            <Untrusted text={what} max={200} />
          </State>{' '}
          <span class="small soft">
            since <Time at={stopped.since} />
          </span>
        </p>
        <p>
          <span aria-hidden="true">→ </span>
          {look}
        </p>
        <p class="small soft">Jobs go on, and are charged; nothing is drawn or credited on the chain meanwhile.</p>
      </div>
    </Card>
  );
}

function UnderWay({ of, age }: { of: AdminSettlements; age: preact.ComponentChild }) {
  const { under_way: batch, vault, read_at: readAt, read_block: block, permits_kept: permits } = of;
  const pausedUntil = vault?.paused_until ?? null;
  return (
    <Card title="Under way" aside={age}>
      <div class="stack">
        {batch === null ? (
          <p class="soft">No settlement is under way.</p>
        ) : (
          <div class="stack tight">
            <p>
              <State tone="busy">
                {batch.status === 'proposed' ? (
                  <Link to={`/settlements/${batch.number}`}>Settlement {batch.number}</Link>
                ) : (
                  `Settlement ${batch.number}`
                )}
                <span>{batch.status === 'proposed' ? ' is proposed' : ' is cut'}</span>
              </State>
            </p>
            {batch.waits_for !== null && (
              <p>
                It waits for <Untrusted text={batch.waits_for.what} max={200} />{' '}
                <span class="small soft">
                  since <Time at={batch.waits_for.since} />
                </span>
              </p>
            )}
          </div>
        )}
        {vault !== null && pausedUntil !== null && Date.parse(pausedUntil) > Date.now() && (
          <p>
            <State tone="warn">The guardian has paused the vault</State> until <Time at={pausedUntil} />: it takes no
            deposits and no settlements.
          </p>
        )}
        <dl class="facts">
          {vault !== null && (
            <>
              <Fact name="Vault">
                <code>{vault.address}</code> on chain <span class="num">{vault.chain_id}</span>
              </Fact>
              <Fact name="Operator">
                <code>{vault.operator}</code>
              </Fact>
              <Fact name="Guardian">
                <code>{vault.guardian}</code>
              </Fact>
            </>
          )}
          <Fact name="Booked up to">
            {block === null ? (
              'nothing yet'
            ) : (
              <>
                block <span class="num">{block}</span>
                {readAt !== null && (
                  <>
                    , <Time at={readAt} />
                  </>
                )}
              </>
            )}
          </Fact>
          <Fact name="Permits kept">{permits}, for the next settlement to carry</Fact>
        </dl>
      </div>
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Sending({ of: { sending } }: { of: AdminSettlements }) {
  if (sending.length === 0) return null;
  return (
    <Card title="Sent, not final" flush>
      <Table
        caption="What the operator’s key has sent and is not final, in the order of nonces"
        rows={sending}
        rowKey={({ purpose }) => purpose}
        columns={[
          {
            key: 'purpose',
            head: 'What',
            card: 'title',
            cell: ({ purpose }) => <Untrusted text={purposeInWords(purpose)} max={120} />,
          },
          { key: 'nonce', head: 'Nonce', align: 'end', cell: ({ nonce }) => <span class="num">{nonce}</span> },
          {
            key: 'status',
            head: 'State',
            cell: ({ status }) => <State tone="busy">{status === 'mined' ? 'in a block' : 'not in a block'}</State>,
          },
          {
            key: 'waits',
            head: 'Waits for',
            cell: ({ waits_for: waits }) =>
              waits === null ? <span class="soft">–</span> : <Untrusted text={waits.what} max={120} />,
          },
        ]}
      />
    </Card>
  );
}

function Frozen({ of: { frozen } }: { of: AdminSettlements }) {
  return (
    <Card title="Frozen wallets" flush>
      <Table
        caption="Wallets that the vault refuses to draw from"
        rows={frozen}
        rowKey={({ wallet }) => wallet}
        empty={
          <Empty title="No wallet is frozen">
            A wallet is frozen when the vault refuses its line: it orders nothing until what it owes is covered.
          </Empty>
        }
        columns={[
          { key: 'wallet', head: 'Wallet', card: 'title', cell: ({ wallet }) => <Wallet address={wallet} /> },
          { key: 'since', head: 'Since', cell: ({ since }) => <Time at={since} /> },
          { key: 'why', head: 'Why', cell: ({ reason }) => <Untrusted text={reason} max={200} /> },
        ]}
      />
    </Card>
  );
}
