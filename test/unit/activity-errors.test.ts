import { describe, expect, test } from '@jest/globals';
import * as k8s from '@kubernetes/client-node';
import { ApplicationFailure } from '@temporalio/activity';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { withErrorCodes } from '../../activities/failures.js';
import { asPodDenial, withPort } from '../../activities/pod-denials.js';
import { BrokerError } from '../../src/domain/errors.js';
import { asBrokerError } from '../../src/temporal/failures.js';

const refusal = (code: number, message: string, reason = 'Invalid') =>
  new k8s.ApiException(code, message, JSON.stringify({ code, reason, message }), {});
const codeOf = (error: unknown) => (asPodDenial(error) as { code?: unknown }).code;

describe('what the API server says against a pod', () => {
  test.each([400, 403, 422])(
    'a call that Kubernetes rejects with %i fails for good, in Kubernetes’ own words',
    (code) => {
      expect(asPodDenial(refusal(code, 'spec is no good'))).toMatchObject({
        code: 'pod_refused',
        detail: 'spec is no good',
        retryable: false,
      });
    },
  );

  test.each([
    'namespace is being terminated',
    'error looking up service account x: serviceaccount "default" not found',
    'status unknown for quota: jobs',
    'exceeded quota: jobs, requested: pods=1',
    'pods is forbidden: User "broker" cannot create resource "pods"',
  ])('a failed connection to Kubernetes is retried: %s', (message) => {
    expect(asPodDenial(refusal(403, message))).toMatchObject({ code: 'dependency_unavailable', detail: message });
  });

  test.each([429, 500, 503])('an answer of Kubernetes with %i is an outage', (code) => {
    expect(codeOf(refusal(code, 'busy'))).toBe('dependency_unavailable');
  });

  test('an answer of Kubernetes with any other code is passed on unchanged', () => {
    const conflict = refusal(409, 'already exists', 'AlreadyExists');
    expect(asPodDenial(conflict)).toBe(conflict);
  });

  test('an answer of Kubernetes without any code is an outage', () => {
    expect(codeOf(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))).toBe('dependency_unavailable');
  });
});

describe('a Service', () => {
  test('a Service that finds no free port fails with a code of its own', async () => {
    const full = refusal(422, 'spec.ports[0].nodePort: Internal error: provided range is full');
    await expect(withPort(Promise.reject(full), 0)).rejects.toMatchObject({ code: 'no_ports_left', cause: full });
  });

  test('an API server that has no address right after its start is asked again before it is believed', async () => {
    const full = refusal(500, 'Internal error occurred: failed to allocate a serviceIP: range is full');
    const after = async (askedForMs: number) => await withPort(Promise.reject(full), askedForMs);
    await expect(after(14_999)).rejects.toMatchObject({ code: 'dependency_unavailable', cause: full });
    await expect(after(15_000)).rejects.toMatchObject({ code: 'no_ports_left', cause: full });
  });

  test('a Service that Kubernetes rejects for any other reason fails for that reason', async () => {
    const other = refusal(422, 'spec.ports[0].nodePort: Invalid value');
    await expect(withPort(Promise.reject(other), 0)).rejects.toBe(other);
    await expect(withPort(Promise.resolve('made'), 0)).resolves.toBe('made');
  });
});

describe('an activity', () => {
  const outcome = (error: unknown) =>
    withErrorCodes({ step: () => Promise.reject(error as Error) })
      .step()
      .catch((caught: unknown) => caught);

  test('an activity tells its workflow the error code and whether to retry, as the table of errors says', async () => {
    const forGood = (await outcome(new BrokerError('no_capacity', 'nobody has room'))) as ApplicationFailure;
    expect(forGood).toBeInstanceOf(ApplicationFailure);
    expect(forGood).toMatchObject({ type: 'no_capacity', message: 'nobody has room', nonRetryable: true });
    expect(await outcome(new BrokerError('dependency_unavailable', 'later'))).toMatchObject({
      type: 'dependency_unavailable',
      nonRetryable: false,
    });
  });

  test('what an error adds to a reply reaches the reply, through activity and workflow', async () => {
    const extra = { required: '3', missing: '2' };
    const failure = (await outcome(new BrokerError('insufficient_funds', 'too little', extra))) as ApplicationFailure;
    const failed = new WorkflowUpdateFailedError('the update failed', failure);
    expect(asBrokerError(failed, 'job_requests')).toMatchObject({ code: 'insufficient_funds', extra });
  });

  test('an activity that throws an unexpected error fails with exactly that error', async () => {
    const bug = new TypeError('undefined is not a function');
    expect(await outcome(bug)).toBe(bug);
  });

  test('an activity receives its arguments and returns its result', async () => {
    const { add } = withErrorCodes({ add: (a: number, b: number) => Promise.resolve(a + b) });
    expect(await add(2, 3)).toBe(5);
  });
});
