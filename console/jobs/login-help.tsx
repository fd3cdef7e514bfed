import type { ComponentChildren } from 'preact';
import { loginCommandOf, type SshTarget } from '../../src/words/ssh-target.js';
import { CommandLine } from '../parts/index.js';

/** What a page in the container listens on, as most notebooks do. */
const notebookPort = 8888;

/** The same login for other ends: Windows, editors, files and pages of the container. */
export function LoginHelp({ target }: { target: SshTarget }) {
  const { host, port, user } = target;
  const ssh = loginCommandOf(target);
  const files = `scp -P ${port} -r FILE ${user}@${isAddress6(host) ? `[${host}]` : host}:`;
  return (
    <details class="login-help">
      <summary>On Windows, in an editor, for files and notebooks</summary>
      <dl>
        <Help name="On Windows">
          <p>PowerShell takes the same command. The folder .ssh is in your user folder there.</p>
        </Help>
        <Help name="With a key in another file">
          <CommandLine text={`${ssh} -i ~/.ssh/id_ed25519`} what="the command with a key file" />
        </Help>
        <Help name="VS Code, Cursor and others">
          <p>With the extension Remote-SSH: “Add New SSH Host”, then paste the SSH command.</p>
        </Help>
        <Help name="Copy files to it">
          <CommandLine text={files} what="the command that copies files" />
        </Help>
        <Help name={`A notebook that listens on ${notebookPort} there`}>
          <CommandLine text={`${ssh} -L ${notebookPort}:localhost:${notebookPort}`} what="the command with a tunnel" />
          <p class="small soft">While it runs, the notebook is at http://localhost:{notebookPort} on your computer.</p>
        </Help>
      </dl>
    </details>
  );
}

function Help({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** scp takes an IPv6 address in brackets only, since a colon ends the host. */
function isAddress6(host: string): boolean {
  return host.includes(':');
}
