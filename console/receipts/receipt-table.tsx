import type { ComponentChildren } from 'preact';
import type { Receipt } from '../../src/client/types.generated.js';
import { Money, State, Table, Time, Untrusted, type Column } from '../parts/index.js';
import { billedText } from './receipt-facts.js';

interface ReceiptTableProps {
  caption: string;
  rows: readonly Receipt[];
  empty: ComponentChildren;
  /** Leads to all that one says. */
  nameOf(receipt: Receipt): ComponentChildren;
  jobOf(receipt: Receipt): ComponentChildren;
  /** The amount of the last column: what the customer was charged, or what the provider earned. */
  amount: 'charged' | 'earned';
  more?: readonly Column<Receipt>[];
}

/** Receipts to scan, newest first. */
export function ReceiptTable({ caption, rows, empty, nameOf, jobOf, amount, more = [] }: ReceiptTableProps) {
  return (
    <Table
      caption={caption}
      rows={rows}
      rowKey={({ digest }) => digest}
      empty={empty}
      columns={[
        { key: 'number', head: 'Receipt', card: 'title', cell: nameOf },
        {
          key: 'issued',
          head: 'Issued',
          cell: ({ typed_data: { message } }) => <Time at={timeOf(message.issuedAtMs)} />,
        },
        { key: 'job', head: 'Job', cell: jobOf },
        {
          key: 'machine',
          head: 'Machine',
          cell: ({ typed_data: { message } }) => <Untrusted text={message.providerId} max={32} />,
        },
        ...more,
        { key: 'state', head: 'State', cell: (receipt) => <ReceiptState receipt={receipt} /> },
        {
          key: 'billed',
          head: 'Billed',
          align: 'end',
          cell: ({ typed_data: { message } }) => <span class="num">{billedText(message.billedMs)}</span>,
        },
        {
          key: 'amount',
          head: amount === 'charged' ? 'Charged' : 'Earned',
          align: 'end',
          cell: ({ typed_data: { message } }) => <Money units={message[amount]} />,
        },
      ]}
    />
  );
}

function ReceiptState({ receipt: { status, typed_data: typed } }: { receipt: Receipt }) {
  const { revision } = typed.message;
  return (
    <span class="row">
      {status === 'signed' ? (
        <State tone="good" glyph="✓">
          signed
        </State>
      ) : (
        <State tone="busy" glyph="◐">
          not yet signed
        </State>
      )}
      {revision > 0 && <span class="soft">after {revision === 1 ? 'a refund' : `refund ${revision}`}</span>}
    </span>
  );
}

/** Of milliseconds that a date can hold; another shows nothing. */
function timeOf(ms: number): string {
  return Math.abs(ms) <= 8_640_000_000_000_000 ? new Date(ms).toISOString() : '';
}
