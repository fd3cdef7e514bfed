/** What was done, in words; an action that this console does not know stays as it is. */
const words: Readonly<Record<string, string>> = {
  'job.end': 'ended a job',
  'provider.approve': 'approved a provider',
  'provider.claim': 'claimed a provider',
  'provider.delegate': 'signed for a machine',
  'provider.forgive': 'gave jobs again to a provider',
  'provider.cordon': 'stopped new jobs at a provider',
  'provider.uncordon': 'let a provider have jobs again',
  'provider.drain': 'drained a provider',
  'provider.retire': 'took a provider out of the fleet',
  'provider.prices_set': 'set prices',
  'provider.prices_delete': 'gave a machine its own prices back',
  'mining.start': 'let idle GPUs mine',
  'mining.stop': 'stopped mining',
  'job.refund': 'refunded a job',
  'wallet.payout': 'recorded a payout',
  'wallet.payment': 'recorded a payment',
  'wallet.write_off': 'wrote off a debt',
  'wallet.monthly_cap': 'changed a monthly cap',
  'wallet.block': 'blocked a wallet',
  'wallet.unblock': 'took the block of a wallet back',
  'provider.block': 'blocked a provider',
  'provider.unblock': 'took the block of a provider back',
  'image.block': 'blocked an image',
  'image.unblock': 'took the block of an image back',
  'broker_key.replace': 'replaced the key of the broker',
  'job.add_ssh_key': 'let an SSH key in to a job',
  'ssh_key.add': 'added an SSH key',
  'ssh_key.delete': 'deleted an SSH key',
  'ssh_key.rename': 'renamed an SSH key',
};

export function actionText(action: string): string {
  return Object.hasOwn(words, action) ? words[action]! : action;
}

/** What is known of it besides, in one line: `deadline_s 3600, owner 0x77c1…`. */
export function detailText(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** The broker asked for it and the asking failed; it may have had an effect all the same. */
export function hasFailed(detail: Readonly<Record<string, unknown>>): boolean {
  return typeof detail['failed'] === 'string';
}
