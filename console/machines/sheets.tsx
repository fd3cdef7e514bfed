import { act, broker, login, refresh, toast, useResource } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { plain, Untrusted } from '../parts/index.js';
import { DrainSheet } from './drain-sheet.js';
import type { Sheet } from './machine-menu.js';
import { PriceSheet } from './price-sheet.js';
import { SignSheet } from './sign-sheet.js';

/** The sheet that is open, if one is. */
export function OpenSheet({ sheet, onClose }: { sheet: Sheet | undefined; onClose(): void }) {
  if (sheet === undefined) return null;
  const { kind, machine } = sheet;
  switch (kind) {
    case 'prices':
      return <PriceSheet machine={machine} onClose={onClose} />;
    case 'sign':
      return <SignSheet providerId={machine.provider_id} onClose={onClose} />;
    case 'drain':
      return <OwnDrain id={machine.provider_id} retires={false} onClose={onClose} />;
    case 'retire':
      return <OwnDrain id={machine.provider_id} retires onClose={onClose} />;
    case 'cordon':
    case 'uncordon':
      return <CordonSheet providerId={machine.provider_id} takes={kind === 'uncordon'} onClose={onClose} />;
  }
}

/** More than this many nobody reads; a machine runs as many jobs as it has pods. */
const mostJobs = 500;

function OwnDrain({ id, retires, onClose }: { id: string; retires: boolean; onClose(): void }) {
  const jobs = useResource(
    `machines:${login.value?.wallet ?? ''}:active:${id}`,
    async () => await broker().providers.jobs(id, { status: 'active' }).all(mostJobs),
    { everyMs: 10_000 },
  );
  const send = async (deadline: { deadlineS?: number }) => {
    await act(() => broker().providers[retires ? 'retire' : 'drain'](id, deadline));
    refresh('machines');
  };
  return <DrainSheet id={id} retires={retires} jobs={jobs} send={send} onClose={onClose} />;
}

interface CordonSheetProps {
  providerId: string;
  /** It is to take jobs again. */
  takes: boolean;
  onClose(): void;
}

function CordonSheet({ providerId, takes, onClose }: CordonSheetProps) {
  const name = plain(providerId, 60);
  const run = async () => {
    await act(() => broker().providers[takes ? 'uncordon' : 'cordon'](providerId));
    toast(takes ? `${name} takes jobs again.` : `${name} takes no new jobs.`, 'good');
    refresh('machines');
  };
  return (
    <ActionDialog
      title={
        <>
          <Untrusted text={providerId} max={60} />
          {takes ? ' takes jobs again' : ' takes no new jobs'}
        </>
      }
      confirm={takes ? 'Take jobs again' : 'Take no new jobs'}
      run={run}
      onClose={onClose}
    >
      <p>
        {takes
          ? 'It is offered at once, if it is healthy. A drain and its deadline are taken back: jobs that run end at their own time.'
          : 'Jobs that run go on to their own end. Time in which it is away does not count against its reliability. “Take jobs again” takes this back.'}
      </p>
    </ActionDialog>
  );
}
