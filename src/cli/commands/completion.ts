import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { script } from '@bomb.sh/tab';
import { shells } from '../completion-values.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { reason } from '../files/private-file.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

const marker = '# worldland: completion of wl';

export async function run(context: Context, [shell]: Args, flags: { install?: boolean }): Promise<void> {
  const known = shells.find((each) => each === shell);
  if (known === undefined) throw usage(`there is no completion for "${clean(shell as string)}"`, shells.join(', '));
  if (flags.install !== true) return void script(known, 'wl', 'wl');
  const [file, lines] = place(known);
  try {
    if (existsSync(file) && readFileSync(file, 'utf8').includes(marker)) {
      return context.screen.note(`It is in ${file} already.`);
    }
    mkdirSync(dirname(file), { recursive: true });
    if (known === 'fish') writeFileSync(file, `${marker}\n${lines}\n`);
    else appendFileSync(file, `\n${marker}\n${lines}\n`);
  } catch (error) {
    throw new Failure(exitCodes.usage, `${file} cannot be changed: ${reason(error)}`, `put this line there: ${lines}`);
  }
  context.screen.note(`Put into ${file}; it works in new shells.`);
}

/** Where each shell looks, and what to write there. */
function place(shell: (typeof shells)[number]): [file: string, lines: string] {
  const home = homedir();
  switch (shell) {
    case 'bash':
      return [join(home, '.bashrc'), 'command -v wl >/dev/null && source <(wl completion bash)'];
    case 'zsh':
      return [join(home, '.zshrc'), 'command -v wl >/dev/null && source <(wl completion zsh)'];
    case 'fish':
      return [join(home, '.config', 'fish', 'completions', 'wl.fish'), 'wl completion fish | source'];
    case 'powershell':
      return [
        join(home, '.config', 'powershell', 'profile.ps1'),
        'wl completion powershell | Out-String | Invoke-Expression',
      ];
  }
}
