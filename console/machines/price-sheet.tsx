import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { OwnProvider } from '../../src/client/types.generated.js';
import { act, broker, refresh, toast, token, useResource } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Check, Input, plain, Price, Untrusted } from '../parts/index.js';
import { useOwnMachines } from './own-machines.js';
import { arePricesStale, inTheMarket, priceFields, pricesToSet, readPrice, type PriceField } from './price-fields.js';

interface PriceSheetProps {
  machine: OwnProvider;
  onClose(): void;
}

/** Sets prices above those of the machine, beside what others ask for the same. */
export function PriceSheet({ machine, onClose }: PriceSheetProps) {
  const [read] = useState(machine);
  const now = useOwnMachines().data?.find(({ provider_id: id }) => id === read.provider_id);
  const isStale = now !== undefined && arePricesStale(read, now);
  const market = useResource('market', () => broker().market.now(), { everyMs: 10_000 });
  const fields = priceFields(read, market.data?.gpu_types ?? []);
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(fields.map(({ type, price, isSet }) => [type, isSet ? String(price) : ''])),
  );
  const [cpu, setCpu] = useState(() => textOf(machine.owner_prices?.cpu));
  const [memory, setMemory] = useState(() => textOf(machine.owner_prices?.memory_gb));
  const [disk, setDisk] = useState(() => textOf(machine.owner_prices?.storage_gb));
  const [isReset, setReset] = useState(false);
  const isSet = machine.owner_prices !== undefined;
  const gpusRead = fields.map(({ type }) => ({ type, read: readIf(typed[type] ?? '') }));
  const [cpuRead, memoryRead, diskRead] = [readIf(cpu), readIf(memory), readIf(disk)];
  const all = [...gpusRead.map((each) => each.read), cpuRead, memoryRead, diskRead];
  const hasProblem = all.some((each) => each !== undefined && 'problem' in each);
  const isEmpty = all.every((each) => each === undefined);
  const run = async () => {
    const gpus = gpusRead.map(({ type, read: of }) => ({ type, price: priceOf(of) }));
    const rest = { cpu: priceOf(cpuRead), memoryGb: priceOf(memoryRead), storageGb: priceOf(diskRead) };
    const wanted = isReset ? undefined : pricesToSet(gpus, rest);
    await act(async () => {
      if (wanted === undefined) await broker().providers.clearPrices(machine.provider_id);
      else await broker().providers.setPrices(machine.provider_id, wanted);
    });
    const name = plain(machine.provider_id, 60);
    toast(
      wanted === undefined ? `${name} has its own prices again.` : `${name} has new prices, from the next job on.`,
      'good',
    );
    refresh('machines');
  };
  return (
    <ActionDialog
      title={
        <>
          Prices of <Untrusted text={machine.provider_id} max={60} />
        </>
      }
      confirm={isReset ? 'Take back my prices' : 'Set prices'}
      disabled={!isReset && (hasProblem || (isEmpty && !isSet))}
      waitsFor={isStale ? 'These prices have changed since you opened this. Close it, and open it again.' : undefined}
      wide
      run={run}
      onClose={onClose}
    >
      <p class="soft">
        They stand above what the machine itself asks, whatever it sends, and hold from the next job on. A job keeps the
        price at which it was placed. An empty field is the machine’s own price.
      </p>
      {fields.map((field) => (
        <PriceRow
          key={field.type}
          field={field}
          text={isReset ? '' : (typed[field.type] ?? '')}
          disabled={isReset}
          onText={(text) => setTyped({ ...typed, [field.type]: text })}
        />
      ))}
      <details class="more-prices" open={cpu !== '' || memory !== '' || disk !== ''}>
        <summary>Processors, memory and disk</summary>
        <div class="join-fields">
          <PriceInput
            label="One core"
            own={machine.owner_prices?.agent.cpu ?? machine.capacity.cpu_price_per_hour}
            text={isReset ? '' : cpu}
            disabled={isReset}
            onText={setCpu}
          />
          <PriceInput
            label="One GB of memory"
            own={machine.owner_prices?.agent.memory_gb ?? machine.capacity.memory_price_per_gb_hr}
            text={isReset ? '' : memory}
            disabled={isReset}
            onText={setMemory}
          />
          <PriceInput
            label="One GB of disk"
            own={machine.owner_prices?.agent.storage_gb ?? machine.capacity.storage_price_per_gb_hour}
            text={isReset ? '' : disk}
            disabled={isReset}
            onText={setDisk}
          />
        </div>
      </details>
      {isSet && (
        <Check
          label="Take back all prices that I set: the machine’s own hold again"
          checked={isReset}
          onChange={setReset}
        />
      )}
    </ActionDialog>
  );
}

type Read = ReturnType<typeof readPrice> | undefined;

const textOf = (price: number | undefined) => (price === undefined ? '' : String(price));
/** An empty field says nothing, which is not the same as nothing acceptable. */
const readIf = (text: string): Read => (text.trim() === '' ? undefined : readPrice(text));
const priceOf = (read: Read) => (read !== undefined && 'price' in read ? read.price : undefined);
const problemOf = (read: Read) => (read !== undefined && 'problem' in read ? read.problem : undefined);

interface PriceInputProps {
  label: ComponentChildren;
  /** What the machine itself asks, as far as it is known. */
  own: number | undefined;
  text: string;
  disabled: boolean;
  hint?: string | undefined;
  onText(text: string): void;
}

/** A price an hour; empty, it is the machine's own. */
function PriceInput({ label, own, text, disabled, hint, onText }: PriceInputProps) {
  return (
    <Input
      label={label}
      unit={`${plain(token().symbol, 12)}/h`}
      inputMode="decimal"
      placeholder={own === undefined ? '' : String(own)}
      value={text}
      disabled={disabled}
      error={problemOf(readIf(text))}
      hint={hint}
      onInput={onText}
    />
  );
}

interface PriceRowProps {
  field: PriceField;
  text: string;
  disabled: boolean;
  onText(text: string): void;
}

function PriceRow({ field, text, disabled, onText }: PriceRowProps) {
  const symbol = plain(token().symbol, 12);
  const read = readIf(text);
  const price = read === undefined ? field.own : priceOf(read);
  return (
    <div class="price-row">
      <PriceInput
        label={
          <>
            <Untrusted text={field.name} max={40} /> <span class="soft">× {field.count}</span>
          </>
        }
        own={field.own}
        text={text}
        disabled={disabled}
        hint={price === undefined ? undefined : inTheMarket(price, field.market, symbol)}
        onText={onText}
      />
      <MarketRange market={field.market} onChoose={disabled ? undefined : (chosen) => onText(String(chosen))} />
    </div>
  );
}

/** What others ask: the least, the middle, the most. A click takes it. */
function MarketRange({
  market,
  onChoose,
}: {
  market: PriceField['market'];
  onChoose: ((price: number) => void) | undefined;
}) {
  if (market === undefined) return null;
  const points = [
    ['lowest', market.min],
    ['median', market.median],
    ['highest', market.max],
  ] as const;
  return (
    <dl class="market-range" aria-label="In the market now">
      {points.map(([name, price]) => (
        <div key={name}>
          <dt class="small soft">{name}</dt>
          <dd>
            <button
              type="button"
              class="button bare s"
              disabled={onChoose === undefined}
              title={`Take the ${name} price`}
              onClick={() => onChoose?.(price)}
            >
              <Price perHour={price} bare />
            </button>
          </dd>
        </div>
      ))}
    </dl>
  );
}
