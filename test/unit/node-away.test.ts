import { expect, test } from '@jest/globals';
import type { V1Node } from '@kubernetes/client-node';
import { awaySince } from '../../src/kubernetes/observe.js';

const at = (time: string) => new Date(`2026-11-25T${time}Z`);
const node = (status: string, lastTransitionTime: unknown) =>
  ({ status: { conditions: [{ type: 'Ready', status, lastTransitionTime }] } }) as unknown as V1Node;

test('a node that is ready, or not there, is not away', () => {
  expect(awaySince(node('True', at('10:00:00')))).toBeUndefined();
  expect(awaySince(undefined)).toBeUndefined();
});

test('a node is away since its condition says so', () => {
  expect(awaySince(node('Unknown', at('10:00:00')), at('09:59:30'))).toEqual(at('10:00:00'));
  expect(awaySince(node('False', at('10:00:00')))).toEqual(at('10:00:00'));
});

test('a node is not away in a time in which it was seen ready, whatever the clock of its kubelet says', () => {
  expect(awaySince(node('False', at('01:00:00')), at('09:59:30'))).toEqual(at('09:59:30'));
});

test.each([[null], [undefined], [new Date('0001-01-01T00:00:00Z')], [new Date(0)], [new Date(Number.NaN)]])(
  'a node whose condition has the time %s does not say since when it is away',
  (time) => {
    expect(awaySince(node('False', time), at('09:59:30'))).toBeUndefined();
  },
);
