import { concat, keccak256, numberToHex, pad, type Address, type Hex } from 'viem';
import type { Layout, Variable } from '../../scripts/contracts.js';
import type { World } from './evm.js';

/** Reads a contract's variables where they lie. It takes no call, which an EVM in JavaScript is slow at. */
export interface Storage {
  variable(label: string): Promise<bigint>;
  /** A member of a mapping's struct, or with an empty name the mapping's value itself. */
  entry(label: string, key: bigint | Address, member?: string): Promise<bigint>;
}

/** Slots of mappings are hashes, and the same in each sequence. */
const slots = new Map<string, bigint>();

export function storageOf(world: World, at: Address, layout: Layout): Storage {
  const top = (label: string): Variable => {
    const variable = layout.storage.find((each) => each.label === label);
    if (variable === undefined) throw new Error(`no variable ${label}`);
    return variable;
  };
  const read = async (slot: bigint, { offset, type }: Variable): Promise<bigint> => {
    const bits = BigInt(layout.types[type]!.numberOfBytes) * 8n;
    const word = await world.word(at, numberToHex(slot, { size: 32 }));
    return (word >> (BigInt(offset) * 8n)) & ((1n << bits) - 1n);
  };
  return {
    variable: async (label) => await read(BigInt(top(label).slot), top(label)),
    async entry(label, key, member = '') {
      const { slot, type } = top(label);
      const value = layout.types[type]!.value!;
      const inside = layout.types[value]!.members?.find((each) => each.label === member);
      const found = inside ?? { label, slot: '0', offset: 0, type: value };
      return await read(mapped(BigInt(slot), key) + BigInt(found.slot), found);
    },
  };
}

function mapped(slot: bigint, key: bigint | Address): bigint {
  const name = `${slot} ${key}`;
  let found = slots.get(name);
  if (found === undefined) {
    const word = (value: bigint | Hex) =>
      typeof value === 'bigint' ? numberToHex(value, { size: 32 }) : pad(value, { size: 32 });
    found = BigInt(keccak256(concat([word(key), word(slot)])));
    slots.set(name, found);
  }
  return found;
}
