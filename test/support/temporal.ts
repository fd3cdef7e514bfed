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

/** The Temporal of one test file. */
export interface TestTemporal {
  /** For `testConfig`, and for whatever else connects to it. */
  config: Pick<Config, 'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'TEMPORAL_TASK_QUEUE'>;
  client: Client;
  /**
   * Starts a worker with the project's workflows and these activities, and answers what stops it. Further options
   * replace those a broker would use: `maxCachedWorkflows: 0`, say, replays the whole history at every task.
   */
  startWorker(activities: object, options?: Partial<WorkerOptions>): Promise<() => Promise<void>>;
  /** Stops the workers, and deletes the namespace with everything that still runs there. */
  close(): Promise<void>;
}

let installed = false;

/** A namespace of its own, so that workflow ids, schedules and searches never meet those of another test file. */
export async function freshTemporal(): Promise<TestTemporal> {
  // Once per test file: jest loads the SDK anew for each.
  if (!installed) {
    Runtime.install({
      // A worker that has only some of the activities is meant to leave the others.
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
    config: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, TEMPORAL_TASK_QUEUE: taskQueue },
    client,
    async startWorker(activities, options = {}) {
      const native = await NativeConnection.connect({ address });
      const worker = await Worker.create({
        connection: native,
        namespace,
        taskQueue,
        activities,
        workflowBundle: { codePath: await workflowBundle() },
        // As a broker does it: a step that is cut off is tried again only when its time is over.
        shutdownGraceTime: '10s',
        shutdownForceTime: '15s',
        ...patience,
        ...options,
      });
      const running = worker.run();
      // Whoever stops it hears of it.
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
 * The bundle of the workflow code, made once per run of jest and outside of it: webpack would be loaded anew, through
 * jest's own module system, for every test file.
 */
export async function workflowBundle(): Promise<string> {
  const bundle = join(runFolder(), 'workflow-bundle.js');
  await withLock(`${bundle}.lock`, 'bundling the workflows', silent, async () => {
    if (existsSync(bundle)) return;
    await promisify(execFile)(process.execPath, [join(packageRoot, 'scripts/bundle-workflows.js'), bundle]);
  });
  return bundle;
}
