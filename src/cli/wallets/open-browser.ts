import { spawn } from 'node:child_process';

/** Whether a browser of this person can be opened from here: not over SSH, and not without a screen. */
export function canOpenBrowser(env: Record<string, string | undefined>): boolean {
  if ((env['BROWSER'] ?? '') !== '') return true;
  if ((env['SSH_CONNECTION'] ?? '') !== '' || (env['SSH_TTY'] ?? '') !== '') return false;
  if (process.platform === 'darwin' || process.platform === 'win32') return true;
  return (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
}

/** Opens an address in the browser; resolves to whether a program took it. */
export async function openBrowser(url: string, env: Record<string, string | undefined>): Promise<boolean> {
  const own = env['BROWSER'] ?? '';
  const [program, args]: [string, string[]] =
    own !== ''
      ? [own, [url]]
      : process.platform === 'darwin'
        ? ['open', [url]]
        : process.platform === 'win32'
          ? ['rundll32', ['url.dll,FileProtocolHandler', url]]
          : ['xdg-open', [url]];
  return await new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
