import { useState } from 'preact/hooks';
import { actAsOperator, nowMs, refresh, toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Input, plain, Segmented, Select } from '../parts/index.js';
import { blockEffects, blockEnd, blockEnds, blockKinds, blockProblem, type BlockKind } from './block-values.js';
import { reasonProblem } from './stuck-words.js';

interface BlockSheetProps {
  /** What is already known of what to block. */
  given?: { kind: BlockKind; value: string };
  onClose(): void;
}

/** Keeps out a wallet, a provider or an image, with a reason that whoever it concerns reads. */
export function BlockSheet({ given, onClose }: BlockSheetProps) {
  const [kind, setKind] = useState<BlockKind>(given?.kind ?? 'wallet');
  const [value, setValue] = useState(given?.value ?? '');
  const [reason, setReason] = useState('');
  const [end, setEnd] = useState('never');
  const valueProblem = blockProblem(kind, value);
  const whyProblem = reasonProblem(reason);
  const run = async () => {
    const block = { reason: reason.trim(), until: blockEnd(end, nowMs()) };
    await actAsOperator((client) => client.admin.blocks.put(kind, value.trim(), block));
    toast(`${plain(value.trim(), 60)} is blocked.`, 'good');
    refresh('operator');
  };
  return (
    <ActionDialog
      title="Block"
      confirm="Block"
      danger
      disabled={valueProblem !== undefined || whyProblem !== undefined}
      run={run}
      onClose={onClose}
    >
      <Segmented
        label="What kind"
        value={kind}
        options={blockKinds.map((each) => ({ value: each, label: each }))}
        onChange={(chosen) => setKind(chosen as BlockKind)}
      />
      <Input
        label={kind === 'wallet' ? 'Wallet' : kind === 'provider' ? 'Id of the provider' : 'Image'}
        class="typed"
        placeholder={kind === 'wallet' ? '0x…' : kind === 'provider' ? 'atlas' : 'docker.io/evil/*'}
        value={value}
        hint={blockEffects[kind]}
        error={value === '' ? undefined : valueProblem}
        onInput={setValue}
      />
      <Input
        label="Reason"
        hint="Whoever it concerns reads it."
        value={reason}
        maxLength={500}
        error={reason === '' ? undefined : whyProblem}
        onInput={setReason}
      />
      <Select
        label="For how long"
        value={end}
        options={blockEnds.map(([name, label]) => ({ value: name, label }))}
        onChange={setEnd}
      />
    </ActionDialog>
  );
}
