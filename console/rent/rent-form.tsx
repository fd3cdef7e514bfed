import { useEffect, useRef, useState } from 'preact/hooks';
import type { MarketType, Site } from '../../src/client/index.js';
import { setQuery } from '../app/router.js';
import { act, broker, login, requireLogin, useResource } from '../live/index.js';
import { inOrder, typeMeant } from '../market/figures.js';
import { useSettled } from '../market/when.js';
import { meantBy, meantNow, placedAt, type Missing } from './complete-order.js';
import { DurationSection } from './duration-section.js';
import { firstPlace, formProblems, placed, typedProblems, type Place, type Problems } from './form-problems.js';
import { GpuSection } from './gpu-section.js';
import { ImageSection } from './image-section.js';
import { KeysSection } from './keys-section.js';
import { MoreSection } from './more-section.js';
import { PortsSection } from './ports-section.js';
import { ProgramSection } from './program-section.js';
import { chosenTemplate, runsSomething } from './templates.js';
import { addressChange, quoteOrderOf, type OrderForm } from './order-form.js';
import type { Change } from './remedies.js';
import { Summary } from './summary.js';
import { useOrder } from './use-order.js';
import { useQuote } from './use-quote.js';

const addressMs = 400;
const marketEveryMs = 10_000;

export function RentForm({ site, empty, first }: { site: Site; empty: OrderForm; first: OrderForm }) {
  const [form, setForm] = useState(first);
  const [tried, setTried] = useState<Problems>({});
  const ordering = useOrder();
  const market = useResource('market', () => broker().market.now(), { everyMs: marketEveryMs });
  const types = market.data?.gpu_types ?? [];
  const templates = useResource('templates', () => broker().templates()).data ?? [];
  const template = chosenTemplate(templates, form);
  const isProgramGiven = template !== undefined && runsSomething(template);
  const { loaded, isSettling } = useQuote(quoteOrderOf(form), form.region);
  const box = useRef<HTMLFormElement>(null);

  const address = useSettled(form, addressMs);
  useEffect(() => setQuery(addressChange(address, empty)), [address]);
  useType(form.gpu, types, (gpu) => setForm((now) => ({ ...now, gpu })));

  const ofQuote = placed(loaded.error?.fields ?? []);
  const ofOrder = placed(ordering.error?.fields ?? []);
  const problems: Problems = {
    ...typedProblems(address, form, site),
    ...ofQuote.problems,
    ...ofOrder.problems,
    ...tried,
  };
  const set = (change: Partial<OrderForm>) => {
    setForm((now) => ({ ...now, ...change }));
    setTried((now) => without(now, change));
    if (ordering.error?.fields !== undefined || (ordering.change !== undefined && isPriced(change))) ordering.forget();
  };
  const rent = async () => {
    const found = formProblems(form, site);
    // Whoever is not connected may have a key at the broker: that is seen once the wallet is known.
    if (login.value === undefined) delete found.keys;
    setTried(found);
    const place = firstPlace(found);
    if (place !== undefined) {
      focusOn(box.current, place);
      return;
    }
    const shown = loaded.data;
    // The button is off until there is a price.
    if (shown === undefined || isSettling) return;
    const complain = ({ missing, text }: Missing) => {
      setTried({ [missing]: text });
      focusOn(box.current, missing);
      return undefined;
    };
    const orComplain = <T extends object>(made: T | Missing) => ('missing' in made ? complain(made) : made);
    const isOrdered = await ordering.rent(
      {
        shown: shown.quote,
        meant: async () => orComplain(await meantBy(form, site, savedKey, isProgramGiven)),
        orderOf: (meant) => orComplain(placedAt(meant, shown.provider)),
      },
      form.keepsKeys ? form.newKeys : [],
    );
    // Also where somebody goes on with this form: the next order asks for it anew.
    if (isOrdered) set({ registryUser: '', registryPassword: '' });
  };
  // The price that was found instead is the one to agree to: it is read once more, to stand on the page.
  useEffect(() => {
    if (ordering.change !== undefined) loaded.reload();
  }, [ordering.change]);
  const ordered = firstPlace(ofOrder.problems);
  useEffect(() => {
    if (ordered !== undefined) focusOn(box.current, ordered);
  }, [ordering.error]);

  const section = { form, problems, set };
  return (
    <form
      class="rent-columns"
      ref={box}
      noValidate
      aria-label="Order"
      // The Enter key in a field orders nothing: that is for the button, which says what it does.
      onSubmit={(event) => event.preventDefault()}
    >
      <div class="stack loose">
        <GpuSection {...section} types={types} />
        <ImageSection {...section} site={site} types={types} templates={templates} />
        <ProgramSection {...section} template={template} />
        <PortsSection {...section} site={site} template={template} priced={loaded.data?.quote.ports} />
        <KeysSection {...section} />
        <DurationSection {...section} site={site} />
        <MoreSection {...section} />
      </div>
      <Summary
        {...{ form, site, types, loaded, isSettling, ordering }}
        isUnanswered={ordering.isUnanswered(meantNow(form, site, isProgramGiven))}
        problemCount={Object.keys(problems).length}
        rest={[...ofQuote.rest, ...ofOrder.rest]}
        onChange={(change: Change) => set(change)}
        onRent={() => void rent()}
      />
    </form>
  );
}

/** The first key that the wallet keeps at the broker; the wallet is asked who it is if that is not known. */
async function savedKey(): Promise<string | undefined> {
  if (!(await requireLogin('Your keys are shown to your wallet.'))) return undefined;
  const [first] = await act(() => broker().sshKeys.list());
  return first?.key_id;
}

/** A link may name a GPU in other words than its key; one that names none gets the type of which most is there. */
function useType(chosen: string, types: readonly MarketType[], choose: (gpu: string) => void): void {
  const isDone = useRef(false);
  useEffect(() => {
    if (isDone.current || types.length === 0) return;
    isDone.current = true;
    const meant = chosen === '' ? inOrder(types)[0] : typeMeant(types, chosen);
    if (meant !== undefined) choose(meant.gpu_type);
  }, [types.length === 0]);
}

/** Fields on which no price depends. */
const unpriced: ReadonlySet<string> = new Set<keyof OrderForm>([
  ...(['savedKeys', 'newKeys', 'keepsKeys', 'variables'] as const),
  ...(['name', 'image', 'registryUser', 'registryPassword', 'program'] as const),
]);

const isPriced = (change: Partial<OrderForm>) => Object.keys(change).some((field) => !unpriced.has(field));

/** What is changed is judged anew when it is sent. */
function without(problems: Problems, change: Partial<OrderForm>): Problems {
  const touched = new Set<string>(Object.keys(change));
  if (touched.has('savedKeys') || touched.has('newKeys')) touched.add('keys');
  if (touched.has('template')) touched.add('image');
  if (touched.has('program')) for (const place of ['command', 'args', 'workdir', 'restart']) touched.add(place);
  if (touched.has('opensNone')) touched.add('ports');
  return Object.fromEntries(Object.entries(problems).filter(([place]) => !touched.has(place)));
}

/** The first control of a place; what is folded is unfolded for it. */
function focusOn(form: HTMLFormElement | null, place: Place): void {
  const found = form?.querySelector<HTMLElement>(`[data-place="${place}"]`);
  const folded = found?.closest('details');
  if (folded) folded.open = true;
  requestAnimationFrame(() => {
    found?.querySelector<HTMLElement>('input:not([type=hidden]), select, textarea, button')?.focus();
    found?.scrollIntoView({ block: 'center' });
  });
}
