import Sequencer from '@jest/test-sequencer';

/** The files in the order in which they were given. */
export default class GivenOrder extends Sequencer {
  sort(tests) {
    const order = process.env['BROKER_MUTANTS_ORDER'].split('\n');
    return [...tests].sort((a, b) => order.indexOf(a.path) - order.indexOf(b.path));
  }
}
