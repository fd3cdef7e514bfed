import type { Access } from '../../engines/simulated-provider/kubernetes-request.js';
import { ask } from '../../engines/simulated-provider/kubernetes-request.js';
import type { Right } from './rights-table.js';

/** The object of an access review. */
export interface Target {
  namespace?: string;
  name?: string;
  fieldSelector?: { requirements: { key: string; operator: 'In'; values: string[] }[] };
}

interface Attributes extends Target {
  group: string;
  resource: string;
  subresource?: string;
  verb: string;
}

/** Whether an access is allowed. */
export type Asks = (attributes: Attributes) => Promise<boolean>;

interface Endpoint {
  group: string;
  /** With its subresource. */
  name: string;
  namespaced: boolean;
  verbs: string[];
}

/** Namespaces in which the user owns nothing. */
const foreignNamespaces = ['default', 'kube-system', 'kube-node-lease', 'worldland-system'];
const foreignName = 'of-somebody-else';
const atOnce = 16;

/** Reviews the access of one's own credentials. */
export function asksItself(access: Access): Asks {
  return (resourceAttributes) => review(access, 'selfsubjectaccessreviews', { resourceAttributes });
}

/** Reviews the access of a user without groups, with an administrator's credentials. */
export function asksAbout(admin: Access, user: string): Asks {
  return (resourceAttributes) => review(admin, 'subjectaccessreviews', { user, resourceAttributes });
}

/**
 * Reviews every verb on every resource of the API server: on other users' objects first, and if that is denied, on
 * one's own.
 *
 * @param own one's own object of a resource, by the resource's name in the tables
 */
export async function walkRights(admin: Access, asks: Asks, own: Readonly<Record<string, Target>>): Promise<Right[]> {
  const questions = (await everyEndpoint(admin)).flatMap((endpoint) =>
    endpoint.verbs.map((verb) => ({ endpoint, verb })),
  );
  const found: Right[] = [];
  const next = async () => {
    for (let question = questions.shift(); question !== undefined; question = questions.shift()) {
      const { endpoint, verb } = question;
      const resource = tableName(endpoint);
      const may = (target: Target) => asks({ ...attributesOf(endpoint, verb), ...target });
      if (await some(foreignTargets(endpoint, verb), may)) found.push({ resource, verb, reach: 'all' });
      else if (own[resource] !== undefined && (await may(own[resource]))) found.push({ resource, verb, reach: 'own' });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, next));
  return found;
}

function foreignTargets({ name, namespaced }: Endpoint, verb: string): Target[] {
  // A new object has no name yet, except for a created subresource.
  const isNamed = !['create', 'list', 'watch', 'deletecollection'].includes(verb) || name.includes('/');
  const named = isNamed ? { name: foreignName } : {};
  if (!namespaced) return [named];
  const places = foreignNamespaces.map((namespace) => ({ namespace, ...named }));
  return isNamed || verb === 'create' ? places : [{}, ...places];
}

async function some(targets: readonly Target[], may: (target: Target) => Promise<boolean>): Promise<boolean> {
  for (const target of targets) if (await may(target)) return true;
  return false;
}

function attributesOf({ group, name }: Endpoint, verb: string): Attributes {
  const [resource = '', subresource] = name.split('/');
  return { group, resource, ...(subresource === undefined ? {} : { subresource }), verb };
}

/** `pods/status`, `leases.coordination.k8s.io`, `csinodes.storage.k8s.io/status`. */
function tableName({ group, name }: Endpoint): string {
  const [resource, ...rest] = name.split('/');
  return [group === '' ? resource : `${resource}.${group}`, ...rest].join('/');
}

async function everyEndpoint(access: Access): Promise<Endpoint[]> {
  interface List {
    resources: { name: string; namespaced: boolean; verbs: string[] }[];
  }
  const { groups } = await ask<{ groups: { name: string; versions: { groupVersion: string }[] }[] }>(
    access,
    'GET',
    '/apis',
  );
  const places = [
    { group: '', path: '/api/v1' },
    ...groups.flatMap(({ name, versions }) =>
      versions.map(({ groupVersion }) => ({ group: name, path: `/apis/${groupVersion}` })),
    ),
  ];
  const endpoints = new Map<string, Endpoint>();
  for (const { group, path } of places) {
    for (const { name, namespaced, verbs } of (await ask<List>(access, 'GET', path)).resources) {
      const key = `${group}/${name}`;
      const known = endpoints.get(key)?.verbs ?? [];
      endpoints.set(key, { group, name, namespaced, verbs: [...new Set([...known, ...verbs])] });
    }
  }
  return [...endpoints.values()];
}

async function review(access: Access, resource: string, spec: object): Promise<boolean> {
  const answer = await ask<{ status?: { allowed?: boolean } }>(
    access,
    'POST',
    `/apis/authorization.k8s.io/v1/${resource}`,
    { apiVersion: 'authorization.k8s.io/v1', kind: kinds[resource], spec },
  );
  return answer.status?.allowed === true;
}

const kinds: Readonly<Record<string, string>> = {
  selfsubjectaccessreviews: 'SelfSubjectAccessReview',
  subjectaccessreviews: 'SubjectAccessReview',
};
