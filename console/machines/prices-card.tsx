import type { OwnProvider } from '../../src/client/types.generated.js';
import { broker, canAct, token, useResource } from '../live/index.js';
import { Button, Card, plain, Price, Table, Time, Untrusted } from '../parts/index.js';
import { priceFields } from './price-fields.js';

interface PricesCardProps {
  machine: OwnProvider;
  onChange(): void;
}

/** What each type costs here, beside what others ask. */
export function PricesCard({ machine, onChange }: PricesCardProps) {
  const market = useResource('market', () => broker().market.now(), { everyMs: 10_000 });
  const symbol = plain(token().symbol, 12);
  const { owner_prices: set } = machine;
  return (
    <Card
      flush
      title="Prices"
      aside={
        <Button size="s" disabled={!canAct.value} onClick={onChange}>
          Change prices…
        </Button>
      }
    >
      <Table
        caption={`Prices in ${symbol} of one GPU and hour`}
        rows={priceFields(machine, market.data?.gpu_types ?? [])}
        rowKey={({ type }) => type}
        empty={<p class="card-note soft">It offers no GPUs.</p>}
        columns={[
          {
            key: 'gpu',
            head: 'GPU',
            card: 'title',
            cell: ({ name, count }) => (
              <span>
                <Untrusted text={name} max={32} /> <span class="soft">× {count}</span>
              </span>
            ),
          },
          { key: 'price', head: `${symbol}/h`, align: 'end', cell: ({ price }) => <Price perHour={price} bare /> },
          {
            key: 'market',
            head: 'Market',
            align: 'end',
            cell: ({ market: others }) =>
              others === undefined ? (
                <span class="soft">–</span>
              ) : (
                <span class="soft">
                  <Price perHour={others.min} bare />–<Price perHour={others.max} bare />
                </span>
              ),
          },
        ]}
      />
      {set !== undefined && (
        <p class="small soft card-note">
          Set by you, <Time at={set.set_at} />.
        </p>
      )}
    </Card>
  );
}
