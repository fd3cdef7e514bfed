const first =
  'amber brave brisk calm clear crisp eager early fair fresh gentle glad golden happy keen kind light lively lucky mellow merry neat noble proud quick quiet rapid sharp silver smart steady sunny swift tidy vivid warm wise witty'.split(
    ' ',
  );
const second =
  'acorn alder badger bear beaver birch bison brook cedar comet coral crane daisy dove eagle falcon fern finch fox gecko hare hawk hazel heron ibex iris island lark lemur lynx maple marten moose newt orca osprey otter owl panda pine plover puffin quail raven reef river robin salmon seal sparrow spruce swan thistle trout walnut willow wren'.split(
    ' ',
  );

/** A name for a job that got none, such as `calm-otter`: easier to tell from others than an id. */
export function suggestedName(random: () => number = Math.random): string {
  const any = (words: readonly string[]) => words[Math.floor(random() * words.length)]!;
  return `${any(first)}-${any(second)}`;
}
