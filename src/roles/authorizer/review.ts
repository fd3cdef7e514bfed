import { z } from 'zod';
import { nodeUserPrefix } from '../../kubernetes/names.js';

/** In which the API server says, of a token that was made for a pod, on which node that pod runs. */
const nodeOfTokenKey = 'authentication.kubernetes.io/node-name';

const review = z.object({
  apiVersion: z.literal('authorization.k8s.io/v1'),
  kind: z.literal('SubjectAccessReview'),
  spec: z.object({
    user: z.string().optional(),
    extra: z.record(z.string(), z.array(z.string())).nullish(),
  }),
});

/** Who asks the API server for something; what for makes no difference. */
export type Review = z.infer<typeof review>;

/** @throws Error when it is no review, with a sentence for whoever set this up. */
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
 * The nodes by whose hand a request may have come: a kubelet's own, or that of the machine where the token of a pod lies.
 */
export function nodesBehind({ spec }: Review): string[] {
  const { user = '', extra } = spec;
  return [
    ...(user.startsWith(nodeUserPrefix) ? [user.slice(nodeUserPrefix.length)] : []),
    ...(extra?.[nodeOfTokenKey] ?? []),
  ];
}

/** Why a request is refused, whatever anybody else says; without a reason others decide, as if nobody had been asked. */
export function reviewed(reason?: string): object {
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    status: reason === undefined ? { allowed: false } : { allowed: false, denied: true, reason },
  };
}
