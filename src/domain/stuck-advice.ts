/** What is known of a workflow that waits longer than usual. */
export interface Stuck {
  kind: 'job' | 'provider';
  /** Its `JobStatus` or `ProviderStatus`. */
  state: string;
  /** What its own details say that it waits for; absent if it does not answer. */
  waitsFor?: string;
  /** The activity that is being retried. */
  activity?: string;
  /** Its code fails, for example because it does not fit its history. */
  codeFails: boolean;
  /** No worker answers. */
  isUnserved: boolean;
  /** When a start is given up, RFC 3339. */
  endsAt?: string;
}

/** What an operator may do, in one sentence. The first that fits counts. */
export function adviceFor(stuck: Stuck): string {
  return advice.find(({ fits }) => fits(stuck))!.says(stuck);
}

interface Advice {
  fits(stuck: Stuck): boolean;
  says(stuck: Stuck): string;
}

const waitsFor = (kind: Stuck['kind'], pattern: RegExp) => (stuck: Stuck) =>
  stuck.kind === kind && pattern.test(stuck.waitsFor ?? '');
const endsByItself = ({ endsAt }: Stuck) =>
  endsAt === undefined ? '' : `; it ends by itself at ${minuteText(endsAt)}`;

/** `2026-11-27 05:20 UTC`: a sentence is read by people, to whom milliseconds say nothing. */
function minuteText(moment: string): string {
  return moment.replace(/^([0-9-]{10})T([0-9]{2}:[0-9]{2})(?::[0-9.]+)?Z$/, '$1 $2 UTC');
}

const advice: readonly Advice[] = [
  {
    fits: ({ codeFails }) => codeFails,
    says: () =>
      'the code does not fit its history: keep the history before anything else (CONTRIBUTING, “Debug a stuck workflow”)',
  },
  {
    fits: ({ isUnserved }) => isUnserved,
    says: () => 'no worker answers: see whether a process with the role worker runs, and what its /ready says',
  },
  {
    fits: waitsFor('job', /image_pull_failed|image pull/i),
    says: (stuck) => `the image is private, misspelt, or its registry does not answer${endsByItself(stuck)}`,
  },
  {
    fits: waitsFor('job', /unschedulable/i),
    says: (stuck) => `the machine does not take the pod: see the taints and the load of its node${endsByItself(stuck)}`,
  },
  {
    fits: (stuck) => stuck.activity === 'teardownJob' || waitsFor('job', /removing the pod/)(stuck),
    says: () =>
      'its machine does not end the pod, which is removed by force after LOST_POD_GRACE_S, or after ten times that if it answers',
  },
  {
    fits: ({ activity }) => activity !== undefined,
    says: ({ activity }) => `${activity} is tried again until its system answers: GET /ready says which does not`,
  },
  {
    fits: waitsFor('job', /waiting for the pod/i),
    says: (stuck) => `the machine pulls a large image or starts slowly${endsByItself(stuck)}`,
  },
  {
    fits: waitsFor('job', /^(?:creating|looking)/i),
    says: (stuck) => `it has no machine yet${endsByItself(stuck)}`,
  },
  {
    fits: waitsFor('provider', /its approval/i),
    says: () => 'approve it with POST /api/v1/admin/providers/ID/approve, or have its owner claim it',
  },
  {
    fits: waitsFor('provider', /its node|another registration|its join command/i),
    says: () => 'its agent has to join or to register again: its owner sees why in the log of the agent',
  },
  { fits: () => true, says: () => 'its workflow in the Temporal UI shows what happened last' },
];
