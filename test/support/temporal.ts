import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client, Connection } from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Config } from '../../src/config.js';
import { withLock } from '../../engines/lock.js';
import { silent } from '../../engines/log.js';
import { packageRoot } from '../../engines/paths.js';
import { connectTemporal, ensureSearchAttributes } from '../../src/temporal/client.js';
import { patience } from '../../src/temporal/worker.js';
import { endpoint } from './engines.js';
import { runFolder } from './run-folder.js';

/** The Temporal namespace of one test file. */
export interface TestTemporal {
  /** For `testConfig`, and for other clients. */
  config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'TEMPORAL_UPKEEP_NAMESPACE' | 'TEMPORAL_TASK_QUEUE'>;
  client: Client;
  /**
   * Starts a worker with the project's workflows and these activities, and returns a function that stops it. Further
   * options replace a broker's: `maxCachedWorkflows: 0`, for example, replays the whole history at every task.
   */
  startWorker(activities: object, options?: Partial<WorkerOptions>): Promise<() => Promise<void>>;
  /** Stops the workers, and deletes the namespace with everything that still runs there. */
  close(): Promise<void>;
}

let installed = false;

/** A new namespace, so that workflow ids, schedules and searches never meet those of another test file. */
export async function freshTemporal(): Promise<TestTemporal> {
  // Once per test file: jest loads the SDK again for each.
  if (!installed) {
    Runtime.install({
      // A worker with only some of the activities is meant to ignore the others.
      logger: new DefaultLogger('ERROR', ({ level, message }) => {
        if (!message.includes('is not registered on this Worker')) console.error(level, message);
      }),
      // A busy machine is slow, and the core warns of every slow task.
      telemetryOptions: {
        logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
      },
    });
  }
  installed = true;
  const address = endpoint('temporal');
  const namespace = `test-${randomUUID()}`;
  const client = await connectTemporal({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace });
  const connection = client.connection as Connection;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: (24 * 3_600) as never },
  });
  await ensureSearchAttributes(client);
  const taskQueue = 'test';
  const stops = new Set<() => Promise<void>>();

  return {
    config: {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      // One namespace for all, so that one worker serves a test.
      TEMPORAL_UPKEEP_NAMESPACE: namespace,
      TEMPORAL_TASK_QUEUE: taskQueue,
    },
    client,
    async startWorker(activities, options = {}) {
      const native = await NativeConnection.connect({ address });
      const worker = await Worker.create({
        connection: native,
        namespace,
        taskQueue,
        activities,
        workflowBundle: { codePath: await workflowBundle() },
        // Like a broker: a step that is cut off is retried only after its time-out.
        shutdownGraceTime: '10s',
        shutdownForceTime: '15s',
        ...patience,
        ...options,
      });
      const running = worker.run();
      // The caller that stops it gets the error.
      running.catch(() => undefined);
      const stop = async () => {
        stops.delete(stop);
        if (worker.getState() === 'RUNNING') worker.shutdown();
        await running.finally(() => native.close());
      };
      stops.add(stop);
      return stop;
    },
    async close() {
      await Promise.all([...stops].map((stop) => stop()));
      await connection.operatorService.deleteNamespace({ namespace });
      await connection.close();
    },
  };
}

/**
 * The workflow bundle, created once per run of jest and outside of it: each test file would load webpack again, through
 * jest's own module system.
 */
export async function workflowBundle(): Promise<string> {
  const bundle = join(runFolder(), 'workflow-bundle.js');
  await withLock(`${bundle}.lock`, 'bundling the workflows', silent, async () => {
    if (existsSync(bundle)) return;
    await promisify(execFile)(process.execPath, [join(packageRoot, 'scripts/bundle-workflows.js'), bundle]);
  });
  return bundle;
}
