import { useState } from 'preact/hooks';
import type { Job } from '../../src/client/shapes.js';
import { toast } from '../live/index.js';
import { ActionDialog } from '../parts/action-dialog.js';
import { Input, plain } from '../parts/index.js';
import { renameJob } from './actions.js';
import { nameOf } from './job-name.js';

interface RenameDialogProps {
  job: Job;
  onJob(job: Job): void;
  onClose(): void;
}

export function RenameDialog({ job, onJob, onClose }: RenameDialogProps) {
  const [name, setName] = useState(plain(job.job_name, 128));
  const run = async () => {
    const renamed = await renameJob(job.job_id, name);
    onJob(renamed);
    toast(`It is called ${nameOf(renamed)} now.`, 'good');
  };
  return (
    <ActionDialog title="Rename the job" confirm="Rename" run={run} onClose={onClose}>
      <Input
        label="Name"
        hint="Small letters, digits and dashes make it a host name as well: ssh wl-NAME. Empty takes the name away."
        value={name}
        maxLength={128}
        onInput={setName}
      />
    </ActionDialog>
  );
}
