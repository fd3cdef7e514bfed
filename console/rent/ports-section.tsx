import type { Quote, Site } from '../../src/client/index.js';
import type { JobPort, Template } from '../../src/client/types.generated.js';
import { Button, Check, Input, plain, Price, Select, Untrusted } from '../parts/index.js';
import { FoldedCard } from './folded-card.js';
import { openedPorts, portPriceText, portProblems, protocols, type FormPort } from './ports.js';
import type { SectionProps } from './section-props.js';

interface PortsSectionProps extends SectionProps {
  site: Site;
  template: Template | undefined;
  /** What they cost, as the broker says. */
  priced: Quote['ports'] | undefined;
}

let lastId = 0;

/** What of the job is reached from outside besides SSH. */
export function PortsSection({ form, problems, set, site, template, priced }: PortsSectionProps) {
  const { ports, opensNone } = form;
  const ofTemplate = template?.ports ?? [];
  const { most } = site.jobs.ports;
  const count = opensNone ? 0 : openedPorts(ports, ofTemplate);
  const wrong = portProblems(ports);
  const change = (id: number, part: Partial<FormPort>) =>
    set({ ports: ports.map((each) => (each.id === id ? { ...each, ...part } : each)) });
  return (
    <FoldedCard
      title="Ports"
      said={count === 0 ? 'none but SSH' : `${count} besides SSH`}
      isOpen={ports.length > 0 || problems.ports !== undefined}
    >
      <fieldset class="variables" data-place="ports">
        <legend>What is reached from outside</legend>
        <p class="field-hint">
          Whatever listens on them is open to everybody who knows the address, and http is not encrypted. A page that
          only you use needs none: SSH reaches it. {portPriceText(site.jobs.ports, plain(site.token.symbol, 12))}
        </p>
        {ofTemplate.length > 0 && <OfTemplate ports={ofTemplate} isClosed={opensNone} />}
        {!opensNone &&
          ports.map((port, at) => (
            <PortRow
              key={port.id}
              {...{ port, at, error: wrong.get(port.id) }}
              onChange={(part) => change(port.id, part)}
              onRemove={() => set({ ports: ports.filter((each) => each.id !== port.id) })}
            />
          ))}
        {!opensNone && (
          <div class="row">
            <Button
              size="s"
              disabled={count >= most}
              onClick={() => set({ ports: [...ports, { id: ++lastId, port: '', name: '', protocol: 'http' }] })}
            >
              Add a port
            </Button>
            {count >= most && <span class="field-hint">{most} are the most.</span>}
          </div>
        )}
        {ofTemplate.length > 0 && (
          <Check
            label="Open none, also not those of the template"
            checked={opensNone}
            onChange={(isOn) => set({ opensNone: isOn })}
          />
        )}
        {problems.ports !== undefined && <p class="field-error">{problems.ports}</p>}
        {priced !== undefined && priced.price_per_hour > 0 && (
          <p class="small" role="status">
            {priced.count} ports, {priced.free} of them free: <Price perHour={priced.price_per_hour} /> for the others.
          </p>
        )}
      </fieldset>
    </FoldedCard>
  );
}

function OfTemplate({ ports, isClosed }: { ports: readonly JobPort[]; isClosed: boolean }) {
  return (
    <ul class="template-ports small" aria-label="Ports of the template">
      {ports.map(({ port, name, protocol }) => (
        <li key={port} class={isClosed ? 'is-closed' : undefined}>
          <span class="num">{port}</span> <Untrusted text={name} max={63} />{' '}
          <span class="soft">
            {protocol}, of the template{isClosed ? ', closed' : ''}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface PortRowProps {
  port: FormPort;
  at: number;
  error: string | undefined;
  onChange(part: Partial<FormPort>): void;
  onRemove(): void;
}

function PortRow({ port, at, error, onChange, onRemove }: PortRowProps) {
  const hidden = (text: string) => <span class="hidden-text">{text}</span>;
  return (
    <div class="port-row">
      <Input
        {...{ label: hidden(`Number of port ${at + 1}`), placeholder: '8888', inputMode: 'numeric', error }}
        value={port.port}
        onInput={(value) => onChange({ port: value })}
      />
      <Input
        {...{ label: hidden(`Name of port ${at + 1}`), placeholder: 'name, if you like' }}
        value={port.name}
        onInput={(name) => onChange({ name })}
      />
      <Select
        label={hidden(`Protocol of port ${at + 1}`)}
        value={port.protocol}
        options={protocols.map((value) => ({ value, label: value }))}
        onChange={(protocol) => onChange({ protocol: protocol as FormPort['protocol'] })}
      />
      <Button size="s" kind="bare" aria-label={`Remove port ${at + 1}`} onClick={onRemove}>
        <span aria-hidden="true">✕</span>
      </Button>
    </div>
  );
}
