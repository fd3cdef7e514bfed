import { z } from 'zod';
import { isUuid } from './uuid.js';

/** The id of a key that a wallet keeps at the broker. */
export const sshKeyId = z
  .string()
  .refine(isUuid, 'is not the id of a key')
  .transform((id) => id.toLowerCase());

/**
 * Makes a check that an order names a key. Without one, it fails for a list that is `absent` or for one that is
 * `empty`: each has its own message.
 */
export function namesAKey(how: 'absent' | 'empty') {
  return ({
    ssh_public_keys: keys,
    ssh_key_ids: ids,
  }: {
    ssh_public_keys?: unknown;
    ssh_key_ids?: unknown;
  }): boolean => {
    const isNone = (list: unknown) => list === undefined || (Array.isArray(list) && list.length === 0);
    if (!isNone(keys) || !isNone(ids)) return true;
    return (keys === undefined) !== (how === 'absent');
  };
}

/** Whether a body is complete enough to look for its keys, whatever else is wrong with it. */
export function isObject({ value }: { value: unknown }): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
