import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../src/config.js';
import type { ClusterInfo } from '../src/kubernetes/cluster-info.js';
import type { Kubernetes } from '../src/kubernetes/client.js';

/** Clients and settings for all activities; the worker role creates them once. */
export interface ActivityDeps {
  config: Config;
  pool: Pool;
  redis: Redis;
  kubernetes: Kubernetes;
  clusterInfo: ClusterInfo;
  temporal: Client;
  logger: Logger;
}
