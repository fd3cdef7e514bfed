import type { ComponentChildren } from 'preact';
import type { OwnProvider } from '../../src/client/types.generated.js';
import { canAct, nowMs } from '../live/index.js';
import { Button, Card, State, Time, Untrusted } from '../parts/index.js';
import { reliabilityText } from '../../src/words/reliability.js';
import { signatureLeft } from './machine-words.js';

interface FactsCardProps {
  machine: OwnProvider;
  onSign(): void;
}

/** What the machine says of itself, and how it has done. */
export function FactsCard({ machine, onSign }: FactsCardProps) {
  const { spec, reliability } = machine;
  const gpu = spec.gpus[0];
  const { text, urgency } = signatureLeft(machine.delegation_expires_at, nowMs());
  const facts: [string, ComponentChildren][] = [
    [
      'Signature',
      urgency === 'none' ? (
        text
      ) : (
        <span class="row">
          <State tone={urgency === 'fine' ? 'good' : urgency === 'soon' ? 'warn' : 'bad'}>{text}</State>
          <Button size="s" disabled={!canAct.value} onClick={onSign}>
            Sign again
          </Button>
        </span>
      ),
    ],
    ['Online, 30 days', reliabilityText(reliability.online_30d ?? null)],
    ['Jobs lost, 30 days', String(reliability.lost_jobs_30d)],
    ['Last heard', machine.last_heartbeat === undefined ? '–' : <Time at={machine.last_heartbeat} />],
    ['Driver, CUDA', gpu === undefined ? '–' : <Untrusted text={`${gpu.driver_ver}, ${gpu.cuda_version}`} max={40} />],
    ['Processor', <Untrusted text={spec.cpu_model} max={48} />],
    [
      'Offered',
      `${machine.capacity.total_cpu_cores} cores, ${gb(machine.capacity.total_memory_mb)} GB, ${machine.capacity.total_disk_gb} GB disk`,
    ],
    ['Region', machine.region === undefined ? 'not said' : <Untrusted text={machine.region} max={32} />],
    ['Address', spec.public_ip === undefined ? '–' : <Untrusted text={spec.public_ip} max={45} />],
    ['Agent', machine.agent_version === undefined ? '–' : <Untrusted text={machine.agent_version} max={32} />],
    ['Joined', machine.joined_at === undefined ? 'not yet' : <Time at={machine.joined_at} />],
  ];
  return (
    <Card title="The machine">
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

const gb = (mb: number) => Math.floor(mb / 1024);
