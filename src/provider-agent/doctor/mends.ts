import type { Host } from './host.js';

/** How a machine's own system installs packages. */
export function installing({ installed }: Host, packages: string): string {
  const manager = ['apt-get', 'dnf', 'zypper', 'pacman'].find((program) => installed(program)) ?? 'apt-get';
  return manager === 'pacman' ? `pacman -S ${packages}` : `${manager} install ${packages}`;
}

/** How it gives its kernel another argument at the next start. */
export function kernelArgument({ installed }: Host, argument: string): string {
  if (installed('grubby')) return `grubby --update-kernel=ALL --args=${argument} && reboot`;
  return `sed -i 's/^GRUB_CMDLINE_LINUX="/&${argument} /' /etc/default/grub && update-grub && reboot`;
}

/** How it makes the image anew that its kernel starts with. */
export function newInitramfs({ installed }: Host): string {
  return installed('dracut') && !installed('update-initramfs') ? 'dracut -f' : 'update-initramfs -u';
}
