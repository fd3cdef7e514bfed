import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities/index.js';
import type { ProviderFinding } from '../../activities/provider-assessment.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import type { RegistrationAnswer } from '../../src/domain/registration-answer.js';
import { createProviderCommands } from '../../src/temporal/provider-commands.js';
import { providerStartOptions } from '../../src/temporal/start-provider.js';
import {
  heartbeatChanged,
  nodeObserved,
  providerState,
  registrationReceived,
  type CarriedProvider,
  type ProviderLifecycle,
  type ProviderState,
} from '../../workflows/provider-messages.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import type { Flow, Steps } from './flow.js';
import { until } from './until.js';

/** The workflow of one provider, and the steps it called. */
export interface FlowProvider {
  providerId: string;
  workflowId: string;
  handle: WorkflowHandle<ProviderLifecycle>;
  commands: ReturnType<typeof createProviderCommands>;
  state(): Promise<ProviderState>;
  becomes(expected: Partial<ProviderState> | ((state: ProviderState) => boolean)): Promise<ProviderState>;
  /** @param answer what became of it before its workflow was told. */
  registers(messageId: string, sender?: string, answer?: RegistrationAnswer): Promise<void>;
  /** Sets the result of its assessments from now on, and has it assess. */
  isFound(finding: Partial<ProviderFinding>): Promise<void>;
  asked(step: keyof Activities): (readonly unknown[])[];
  asksFor(step: keyof Activities, times?: number): Promise<readonly unknown[]>;
  /** The steps that it called, in order. */
  steps(): string[];
}

const registered: ProviderFinding = {
  facts: { nodeReady: false, heartbeatAlive: false, gpusReady: false },
  status: 'approved',
  reason: 'its node has not joined yet',
  cordoned: false,
  retiring: false,
};

const inService: ProviderFinding = {
  facts: { nodeReady: true, heartbeatAlive: true, gpusReady: true },
  status: 'available',
  reason: '',
  nodeUid: 'its node',
  cordoned: false,
  retiring: false,
};

/** @param steps replace those of a provider to which nothing happens. */
export async function startFlowProvider(
  flow: Flow,
  { steps = {}, carried }: { steps?: Steps; carried?: CarriedProvider } = {},
): Promise<FlowProvider> {
  const providerId = `prov-${randomUUID().slice(0, 8)}`;
  const workflowId = providerWorkflowId(providerId);
  let finding = registered;
  const answer = {
    kind: 'issued',
    tokenId: 'token',
    nodeName: `node-of-${providerId}`,
    newNode: true,
    delivered: true,
  } as const;
  flow.answers(providerId, {
    answerRegistration: () => Promise.resolve({ ...answer, expiresAt: new Date(Date.now() + 3_600_000).toISOString() }),
    refuseRegistration: () => Promise.resolve(),
    recordNeverJoined: () => Promise.resolve(),
    ensureReplyDelivered: () => Promise.resolve(true),
    approveNodeCertificate: () => Promise.resolve({ approved: true, reason: '' }),
    assessProvider: () => Promise.resolve(finding),
    updateCapacity: () => Promise.resolve(),
    tellJobs: () => Promise.resolve(0),
    tellJobsOfDrain: () => Promise.resolve(0),
    recordOrder({ order: { action } }) {
      finding = { ...finding, cordoned: action !== 'uncordon', retiring: action === 'retire' };
      return Promise.resolve();
    },
    retireProvider: () => Promise.resolve({ jobs: 0 }),
    syncMining: () => Promise.resolve({ wanted: 0 } as never),
    ...steps,
  });
  const input = { providerId, ...(carried === undefined ? {} : { carried }) };
  const handle = await flow.temporal.client.workflow.start<ProviderLifecycle>(
    workflowTypes.provider,
    providerStartOptions(input, flow.config),
  );
  const asked = (step: keyof Activities) =>
    flow.asked(providerId).flatMap((each) => (each.step === step ? [each.args] : []));
  const state = () => handle.query(providerState);
  return {
    providerId,
    workflowId,
    handle,
    commands: createProviderCommands(flow.temporal.client, flow.config),
    state,
    becomes: (expected) =>
      until(
        async () => {
          const found = await state();
          const isIt =
            typeof expected === 'function'
              ? expected(found)
              : Object.entries(expected).every(([field, value]) => found[field as keyof ProviderState] === value);
          return isIt ? found : undefined;
        },
        { name: `the provider is ${typeof expected === 'function' ? expected.toString() : JSON.stringify(expected)}` },
      ),
    registers: (messageId, sender, answer) =>
      handle.signal(registrationReceived, {
        messageId,
        ...(sender === undefined ? {} : { sender }),
        ...(answer === undefined ? {} : { answer }),
      }),
    async isFound(more) {
      const { cordoned, retiring } = finding;
      finding = { ...inService, cordoned, retiring, ...more };
      const { status } = finding;
      // The payload has no effect: only the signal counts.
      if (status === 'offline') await handle.signal(heartbeatChanged);
      else await handle.signal(nodeObserved, { state: 'ready' });
    },
    asked,
    asksFor: (step, times = 1) => until(() => asked(step)[times - 1], { name: `${step} is asked for ${times} times` }),
    steps: () => flow.asked(providerId).map(({ step }) => step),
  };
}
