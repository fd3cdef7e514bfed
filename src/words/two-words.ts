const first = (
  'amber brave brisk calm clear cosy crisp eager early fair fond fresh gentle glad golden grand happy humble jolly keen ' +
  'kind light lively lucky mellow merry mild neat noble plain proud quick quiet rapid ready rosy round sharp silent ' +
  'silver smart snowy sober solid spry steady still sunny swift tidy tiny true vivid warm wise witty young zesty bold'
).split(' ');
const second = (
  'acorn alder aspen badger bear beaver birch bison brook cedar clover comet condor coral crane daisy delta dove eagle ' +
  'ember falcon fern finch fjord fox gecko glade hare harbor hawk hazel heron holly ibex iris island ivy juniper kite ' +
  'lark lemur lily linden lynx maple marten meadow moose moss newt oak orca osprey otter owl panda pebble pine plover ' +
  'poppy puffin quail quartz raven reef river robin sage salmon seal sparrow spruce swan tern thistle trout tulip ' +
  'walnut willow wren'
).split(' ');

/** A name for a job that got none, such as `calm-otter`. */
export function twoWords(): string {
  return `${any(first)}-${any(second)}`;
}

/** The code that a terminal and a page both show, against mix-ups: four words. */
export function fourWords(): string {
  return [any(first), any(second), any(first), any(second)].join('-');
}

function any(words: readonly string[]): string {
  // Of 2^32 values, a list this short takes all its words as often as one can tell.
  return words[crypto.getRandomValues(new Uint32Array(1))[0]! % words.length]!;
}
