import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AnswerWithoutKind, RegistrationAnswer } from '../../src/domain/registration-answer.js';
import { certificateRequested } from '../../workflows/provider-messages.js';
import { createFlow, type Flow } from '../support/flow.js';
import { startFlowProvider } from '../support/flow-provider.js';

let flow: Flow;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow.close());

const issued = (tokenId: string, expiresAt: string) =>
  ({ kind: 'issued', tokenId, expiresAt, nodeName: 'its-node', newNode: true }) satisfies RegistrationAnswer;
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

describe('a registration', () => {
  test('a registration is answered with a join command, and the node that joins puts the provider into service', async () => {
    const provider = await startFlowProvider(flow);
    await provider.registers('first');
    const joining = await provider.becomes({ status: 'approved' });
    expect(joining.waitingFor).toContain(`its node node-of-${provider.providerId} to join with token token`);
    await provider.isFound({ nodeName: joining.nodeName });
    expect(await provider.becomes({ status: 'available' })).toMatchObject({ nodeName: joining.nodeName });
    await provider.asksFor('tellJobs');
    expect(provider.steps().slice(0, 3)).toEqual(['answerRegistration', 'assessProvider', 'tellJobs']);
    await flow.replay(provider.workflowId);
  });

  test('a registration that is delivered twice is answered once', async () => {
    const provider = await startFlowProvider(flow);
    await provider.registers('same');
    await provider.registers('same');
    await provider.registers('other');
    await provider.asksFor('answerRegistration', 2);
    expect(provider.asked('answerRegistration').map(([asked]) => asked)).toEqual(
      ['same', 'other'].map((messageId) => ({ providerId: provider.providerId, messageId, reissued: 0 })),
    );
  });

  test('of the registrations of one sender that wait, only the newest is answered', async () => {
    let first!: (answer: RegistrationAnswer) => void;
    const provider = await startFlowProvider(flow, {
      steps: {
        answerRegistration: ({ messageId }) =>
          messageId === 'first'
            ? new Promise((resolve) => (first = resolve))
            : Promise.resolve({ ...issued(messageId, inAnHour()), delivered: true as const }),
      },
    });
    await provider.registers('first', 'its owner');
    await provider.asksFor('answerRegistration');
    for (const messageId of ['second', 'third']) await provider.registers(messageId, 'its owner');
    await provider.registers('of another', 'somebody else');
    await provider.registers('fourth', 'its owner');
    await provider.registers('unnamed');
    first({ ...issued('first', inAnHour()), delivered: true });
    await provider.asksFor('answerRegistration', 4);
    const answered = provider.asked('answerRegistration').map(([asked]) => (asked as { messageId: string }).messageId);
    expect(answered).toEqual(['first', 'of another', 'fourth', 'unnamed']);
    await flow.replay(provider.workflowId);
  });

  test('a registration that was answered before is not answered again: its workflow waits for the node of that answer', async () => {
    const provider = await startFlowProvider(flow);
    await provider.registers('first', 'its owner', { ...issued('early', inAnHour()), delivered: true });
    const joining = await provider.becomes({ status: 'approved' });
    expect(joining.waitingFor).toContain('its node its-node to join with token early');
    await provider.isFound({ nodeName: 'its-node' });
    await provider.becomes({ status: 'available' });
    expect(provider.steps()).not.toContain('answerRegistration');
    expect(provider.steps()).not.toContain('ensureReplyDelivered');
    await flow.replay(provider.workflowId);
  });

  test('an answer that was made before and that nobody took is delivered by the workflow', async () => {
    const provider = await startFlowProvider(flow);
    await provider.registers('first', 'its owner', issued('early', inAnHour()));
    expect(await provider.asksFor('ensureReplyDelivered')).toEqual([
      { providerId: provider.providerId, tokenId: 'early' },
    ]);
    expect(provider.steps()).not.toContain('answerRegistration');
    await flow.replay(provider.workflowId);
  });

  test('a registration that was rejected before leaves its provider waiting, as one that its workflow rejects', async () => {
    const provider = await startFlowProvider(flow);
    await provider.registers('first', 'its owner', {
      kind: 'rejected',
      rejected: 'not this one',
      awaitsApproval: true,
    });
    await provider.becomes({ waitingFor: 'its approval: not this one' });
    expect((await provider.state()).status).toBe('pending');
    expect(provider.steps()).not.toContain('answerRegistration');
    await flow.replay(provider.workflowId);
  });

  test.each([
    [true, 'pending', 'its approval: '],
    [false, 'rejected', 'another registration: '],
  ])(
    'a registration that gets no join command leaves the provider waiting (for an approval: %s)',
    async (awaits, status, waitsFor) => {
      const rejected = {
        kind: 'rejected' as const,
        rejected: 'not this one',
        ...(awaits ? { awaitsApproval: true as const } : {}),
      };
      const provider = await startFlowProvider(flow, {
        steps: { answerRegistration: () => Promise.resolve(rejected) },
      });
      await provider.registers('first');
      await provider.becomes({ waitingFor: `${waitsFor}not this one` });
      expect((await provider.state()).status).toBe(status);
      await flow.replay(provider.workflowId);
    },
  );

  test('a rejected registration takes no provider out of service, even when an earlier build answers it', async () => {
    const rejected: AnswerWithoutKind = { tokenId: '', expiresAt: '', rejected: 'not this one' };
    const provider = await startFlowProvider(flow, {
      steps: { answerRegistration: () => Promise.resolve(rejected as never) },
    });
    await provider.isFound({});
    await provider.becomes({ status: 'available' });
    await provider.registers('second');
    // The next one is answered when the workflow has dealt with the rejection. What it waits for is soon its service again.
    await provider.registers('third');
    await provider.asksFor('answerRegistration', 2);
    expect((await provider.state()).status).toBe('available');
  });

  test('a registration whose node never joins is answered three more times, and then has to be sent again', async () => {
    const provider = await startFlowProvider(flow, {
      steps: {
        answerRegistration: () =>
          Promise.resolve({ ...issued('t', new Date().toISOString()), delivered: true as const }),
      },
    });
    await provider.registers('first');
    await provider.asksFor('recordNeverJoined');
    expect(provider.asked('answerRegistration').map(([asked]) => (asked as { reissued: number }).reissued)).toEqual([
      0, 1, 2, 3,
    ]);
    expect(await provider.becomes({ status: 'pending' })).toMatchObject({
      waitingFor: expect.stringContaining('did not join with any of 4 join commands'),
    });
    await flow.replay(provider.workflowId);
  });

  test('a registration whose answer is still being delivered holds up neither the next one nor the node', async () => {
    const provider = await startFlowProvider(flow, {
      steps: {
        answerRegistration: ({ messageId }) => Promise.resolve(issued(messageId, inAnHour())),
        ensureReplyDelivered: () => Promise.reject(new Error('nobody listens')),
      },
    });
    await provider.registers('first');
    await provider.asksFor('ensureReplyDelivered');
    await provider.registers('second');
    await provider.asksFor('answerRegistration', 2);
    await provider.isFound({});
    await provider.becomes({ status: 'available' });
    const provenTokens = provider
      .asked('ensureReplyDelivered')
      .map(([asked]) => (asked as { tokenId: string }).tokenId);
    expect(provenTokens[0]).toBe('first');
    await flow.replay(provider.workflowId);
  });
});

describe('a certificate', () => {
  test('each certificate request of a joining node is decided once', async () => {
    const provider = await startFlowProvider(flow);
    await provider.registers('first');
    await provider.becomes({ status: 'approved' });
    const request = { name: 'csr-1', tokenId: 'token' };
    await provider.handle.signal(certificateRequested, request);
    await provider.handle.signal(certificateRequested, request);
    await provider.becomes({ waitingFor: `its node node-of-${provider.providerId} to become ready` });
    const { providerId } = provider;
    expect(provider.asked('approveNodeCertificate')).toEqual([[{ providerId, leaving: false, ...request }]]);
  });

  test('a renewed certificate changes nothing about what its provider waits for', async () => {
    const provider = await startFlowProvider(flow);
    await provider.isFound({});
    const { waitingFor } = await provider.becomes((state) => state.waitingFor.startsWith('nothing'));
    await provider.handle.signal(certificateRequested, { name: 'renewed' });
    await provider.asksFor('approveNodeCertificate');
    expect(await provider.becomes({ waitingFor })).toMatchObject({ status: 'available' });
    await flow.replay(provider.workflowId);
  });

  test('a refused certificate request says why', async () => {
    const provider = await startFlowProvider(flow, {
      steps: { approveNodeCertificate: () => Promise.resolve({ approved: false, reason: 'another name' }) },
    });
    await provider.handle.signal(certificateRequested, { name: 'csr-1', tokenId: 'token' });
    await provider.becomes({ waitingFor: 'a valid certificate request: another name' });
  });
});
