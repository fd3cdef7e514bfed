import { existsSync, statSync } from 'node:fs';
import * as k8s from '@kubernetes/client-node';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { PooledKubeConfig } from './pooled-config.js';

/** The parts of the Kubernetes API that the broker uses, over one configuration. */
export interface Kubernetes {
  readonly config: k8s.KubeConfig;
  readonly core: k8s.CoreV1Api;
  readonly apps: k8s.AppsV1Api;
  readonly authentication: k8s.AuthenticationV1Api;
  readonly authorization: k8s.AuthorizationV1Api;
  readonly certificates: k8s.CertificatesV1Api;
  readonly rbac: k8s.RbacAuthorizationV1Api;
  readonly networking: k8s.NetworkingV1Api;
  readonly scheduling: k8s.SchedulingV1Api;
  readonly version: k8s.VersionApi;
}

/** Loads KUBECONFIG, else the service account of the current pod, else the user's own configuration. */
export function connectKubernetes(config: Pick<Config, 'KUBECONFIG'>): Kubernetes {
  const kubeConfig = new PooledKubeConfig();
  if (config.KUBECONFIG !== undefined) kubeConfig.loadFromFile(config.KUBECONFIG);
  else kubeConfig.loadFromDefault();
  return {
    config: kubeConfig,
    core: kubeConfig.makeApiClient(k8s.CoreV1Api),
    apps: kubeConfig.makeApiClient(k8s.AppsV1Api),
    authentication: kubeConfig.makeApiClient(k8s.AuthenticationV1Api),
    authorization: kubeConfig.makeApiClient(k8s.AuthorizationV1Api),
    certificates: kubeConfig.makeApiClient(k8s.CertificatesV1Api),
    rbac: kubeConfig.makeApiClient(k8s.RbacAuthorizationV1Api),
    networking: kubeConfig.makeApiClient(k8s.NetworkingV1Api),
    scheduling: kubeConfig.makeApiClient(k8s.SchedulingV1Api),
    version: kubeConfig.makeApiClient(k8s.VersionApi),
  };
}

/** Whether this process was given a cluster, by KUBECONFIG or by its own pod. An empty file is none: Compose mounts one. */
export function isReachable({ KUBECONFIG }: Pick<Config, 'KUBECONFIG'>): boolean {
  if (KUBECONFIG === undefined) return existsSync('/var/run/secrets/kubernetes.io/serviceaccount/token');
  return !existsSync(KUBECONFIG) || statSync(KUBECONFIG).size > 0;
}

/** The parts of the API server's answer that decisions depend on. `reason` is `NotFound`, `AlreadyExists`, … */
export interface KubernetesStatus {
  code: number;
  reason: string;
  message: string;
}

/** Parses an error of the client; undefined when it is not an answer of the API server (a broken connection, a bug). */
export function statusOf(error: unknown): KubernetesStatus | undefined {
  if (!(error instanceof k8s.ApiException)) return undefined;
  // The body of an ApiException is the JSON text itself.
  try {
    const status = (typeof error.body === 'string' ? JSON.parse(error.body) : error.body) as Partial<KubernetesStatus>;
    return { code: error.code, reason: status.reason ?? '', message: status.message ?? '' };
  } catch {
    return { code: error.code, reason: '', message: '' };
  }
}

/** Awaits a call and returns undefined if the object does not exist. */
export async function unlessNotFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error)?.code === 404) return undefined;
    throw asDependencyError(error);
  }
}

/**
 * Awaits a create and returns undefined if the object already exists (409 can also mean Conflict; the reason tells them
 * apart).
 */
export async function unlessExists<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error)?.reason === 'AlreadyExists') return undefined;
    throw asDependencyError(error);
  }
}

/**
 * Classifies a failed call: a permanent rejection stays unchanged, and every transient failure (connection, timeout,
 * overload) becomes `dependency_unavailable`.
 */
export function asDependencyError(error: unknown): unknown {
  if (error instanceof BrokerError) return error;
  const status = statusOf(error);
  if (status !== undefined && status.code < 500 && status.code !== 429) return error;
  const what = status === undefined ? ((error as { code?: string }).code ?? 'no answer') : `status ${status.code}`;
  return new BrokerError('dependency_unavailable', `Kubernetes: ${what}`, {}, { cause: error });
}

/** Options for a merge patch; without the header, an object body is rejected. */
export const mergePatch = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
/** Options for a server-side apply. */
export const applyPatch = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.ServerSideApply);
/** The field manager under which the broker applies objects. */
export const fieldManager = 'worldland-broker';
