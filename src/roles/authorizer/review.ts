import { z } from 'zod';
import { nodeUserPrefix } from '../../kubernetes/names.js';

/** The field in which the API server names the node of the pod that a token was made for. */
const nodeOfTokenKey = 'authentication.kubernetes.io/node-name';

const review = z.object({
  apiVersion: z.literal('authorization.k8s.io/v1'),
  kind: z.literal('SubjectAccessReview'),
  spec: z.object({
    user: z.string().optional(),
    extra: z.record(z.string(), z.array(z.string())).nullish(),
  }),
});

/** The requester in a review; what it requests does not matter. */
export type Review = z.infer<typeof review>;

/** @throws Error when it is not a review, with a sentence for the person who configured this. */
export function readReview(text: string): Review {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('the body is no JSON');
  }
  const read = review.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Error(`the body is no SubjectAccessReview of authorization.k8s.io/v1: ${issue?.path.join('.')}`);
}

/**
 * The nodes from which a request may have come: the kubelet's own node, or the node of the pod whose token was used.
 */
export function nodesBehind({ spec }: Review): string[] {
  const { user = '', extra } = spec;
  return [
    ...(user.startsWith(nodeUserPrefix) ? [user.slice(nodeUserPrefix.length)] : []),
    ...(extra?.[nodeOfTokenKey] ?? []),
  ];
}

/**
 * Why a request is denied regardless of other authorizers; without a reason, the others decide as if the broker had not
 * been asked.
 */
export function reviewed(reason?: string): object {
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    status: reason === undefined ? { allowed: false } : { allowed: false, denied: true, reason },
  };
}
