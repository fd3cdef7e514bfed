import { broker, site, useResource } from '../live/index.js';
import { Button, Input, plain, Select } from '../parts/index.js';
import { FoldedCard } from './folded-card.js';
import type { Problems } from './form-problems.js';
import type { SectionProps } from './section-props.js';
import { looksSecret, readEnvLines, variableProblems, type Variable } from './variables.js';

/** What most orders leave as it is. */
export function MoreSection(props: SectionProps) {
  const { form, problems } = props;
  const isUsed =
    [form.provider, form.region, form.maxPrice, form.minVram, form.minCuda].some((text) => text !== '') ||
    form.variables.length > 0;
  return (
    <FoldedCard title="More" said="provider, region, price limit, CUDA, variables" isOpen={isUsed || isWrong(problems)}>
      <Where {...props} />
      <Variables {...props} />
    </FoldedCard>
  );
}

const isWrong = (problems: Problems) =>
  (['provider', 'region', 'maxPrice', 'minVram', 'minCuda', 'variables'] as const).some(
    (place) => problems[place] !== undefined,
  );

function Where({ form, problems, set }: SectionProps) {
  const regions = useRegions();
  const unit = plain(site.value?.token.symbol ?? '', 12);
  return (
    <div class="rent-more">
      <div data-place="provider">
        <Input
          {...{ label: 'Provider', placeholder: 'any', value: form.provider, error: problems.provider }}
          onInput={(provider) => set({ provider })}
        />
      </div>
      <div data-place="region">
        <Select
          label="Region"
          value={form.region}
          options={[
            { value: '', label: 'any' },
            ...[...new Set([...regions, ...(form.region === '' ? [] : [form.region])])].map((value) => ({
              value,
              label: plain(value, 32),
            })),
          ]}
          error={problems.region}
          onChange={(region) => set({ region })}
        />
      </div>
      <div data-place="maxPrice">
        <Input
          {...{ label: 'Price, at most', unit: `${unit}/h`, inputMode: 'decimal', placeholder: 'any' }}
          {...{ value: form.maxPrice, error: problems.maxPrice }}
          hint="Of the whole job."
          onInput={(maxPrice) => set({ maxPrice })}
        />
      </div>
      <div data-place="minVram">
        <Input
          {...{ label: 'GPU memory, at least', unit: 'GB', inputMode: 'numeric', placeholder: 'any' }}
          {...{ value: form.minVram, error: problems.minVram }}
          onInput={(minVram) => set({ minVram })}
        />
      </div>
      <div data-place="minCuda">
        <Input
          {...{ label: 'CUDA, at least', inputMode: 'decimal', placeholder: 'any' }}
          {...{ value: form.minCuda, error: problems.minCuda }}
          onInput={(minCuda) => set({ minCuda })}
        />
      </div>
    </div>
  );
}

/** Where machines are, as their owners say. */
function useRegions(): string[] {
  const all = useResource('regions', () => broker().offers.list({ all: true, limit: 100 }).page());
  return [...new Set((all.data?.items ?? []).flatMap(({ region }) => (region === null ? [] : [region])))].sort();
}

let lastId = 0;

function Variables({ form, problems, set }: SectionProps) {
  const { variables } = form;
  const wrong = variableProblems(variables);
  const change = (id: number, part: Partial<Variable>) =>
    set({ variables: variables.map((each) => (each.id === id ? { ...each, ...part } : each)) });
  const add = (more: { name: string; value: string }[]) => {
    set({ variables: [...variables, ...more.map((each) => ({ ...each, id: ++lastId }))] });
  };
  /** A `.env` file pasted into a name becomes all of its variables. */
  const paste = (event: ClipboardEvent, { id, name, value }: Variable) => {
    const read = readEnvLines(event.clipboardData?.getData('text/plain') ?? '');
    if (read === undefined || name !== '' || value !== '') return;
    event.preventDefault();
    const others = variables.filter((each) => each.id !== id);
    set({ variables: [...others, ...read.map((each) => ({ ...each, id: ++lastId }))] });
  };
  return (
    <fieldset class="variables" data-place="variables">
      <legend>Variables of the environment</legend>
      <p class="field-hint">
        Values are kept secret: in no list, no log and no address, and not in this browser once you leave the page.
      </p>
      {variables.map((variable, at) => (
        <div key={variable.id} class="variable" onPaste={(event) => paste(event, variable)}>
          <Input
            label={<span class="hidden-text">{`Name of variable ${at + 1}`}</span>}
            class="mono-input"
            placeholder="NAME"
            value={variable.name}
            error={variable.name === '' && variable.value === '' ? undefined : wrong.get(variable.id)}
            onInput={(name) => change(variable.id, { name })}
          />
          <Input
            label={<span class="hidden-text">{`Value of variable ${at + 1}`}</span>}
            class={looksSecret(variable) ? 'mono-input is-secret' : 'mono-input'}
            placeholder="value"
            value={variable.value}
            onInput={(value) => change(variable.id, { value })}
          />
          <Button
            size="s"
            kind="bare"
            aria-label={`Remove variable ${at + 1}`}
            onClick={() => set({ variables: variables.filter((each) => each.id !== variable.id) })}
          >
            <span aria-hidden="true">✕</span>
          </Button>
        </div>
      ))}
      <div class="row">
        <Button size="s" onClick={() => add([{ name: '', value: '' }])}>
          Add a variable
        </Button>
        <span class="field-hint">Or paste the lines of a .env file into a name.</span>
      </div>
      {problems.variables !== undefined && <p class="field-error">{problems.variables}</p>}
    </fieldset>
  );
}
