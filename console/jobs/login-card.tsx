import { useState } from 'preact/hooks';
import type { Job } from '../../src/client/shapes.js';
import { knownHostsLineOf, loginCommandOf, sshTargetOf } from '../../src/words/ssh-target.js';
import { canAct } from '../live/index.js';
import { Button, Card, CommandLine, Copy } from '../parts/index.js';
import { LetInDialog } from './let-in-dialog.js';
import { nameForWl } from './job-name.js';
import { LoginHelp } from './login-help.js';

const fingerprint = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** How to log in. Every line is made here of checked parts, and never of what a message says. */
export function LoginCard({ job }: { job: Job }) {
  const target = sshTargetOf(job);
  const [isOpen, setOpen] = useState(false);
  return (
    <Card
      title="Log in"
      aside={
        <Button size="s" disabled={!canAct.value} aria-haspopup="dialog" onClick={() => setOpen(true)}>
          Let another key in…
        </Button>
      }
    >
      {target === undefined ? (
        <p class="note tone-warn">
          The broker names no address that this page takes for one. <code>wl show</code> says what it does name.
        </p>
      ) : (
        <div class="stack tight">
          <CommandLine text={loginCommandOf(target)} what="the SSH command" />
          <CommandLine text={`wl ssh ${nameForWl(job)}`} what="the command of wl" />
          <div class="host-key">
            <p>
              <span class="soft small">Host key</span>{' '}
              {fingerprint.test(job.ssh_host_key_fingerprint ?? '') && <code>{job.ssh_host_key_fingerprint}</code>}
            </p>
            <Copy text={knownHostsLineOf(target)} what="the line for known_hosts">
              Copy known_hosts line
            </Copy>
          </div>
          <p class="small soft">
            With that line in <code>~/.ssh/known_hosts</code>, ssh knows this machine at the first login, and takes no
            other one for it. <code>wl ssh</code> does so by itself.
          </p>
          <LoginHelp target={target} />
        </div>
      )}
      {isOpen && <LetInDialog job={job} onClose={() => setOpen(false)} />}
    </Card>
  );
}
