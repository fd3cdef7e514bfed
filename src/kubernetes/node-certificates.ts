// The certificate library's container needs this import before the library is loaded.
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import type { V1CertificateSigningRequest, V1Node } from '@kubernetes/client-node';
import { printable } from '../domain/outside.js';
import { unlessNotFound, type Kubernetes } from './client.js';
import { bootstrapGroup, bootstrapUserPrefix, nodeUserPrefix } from './names.js';
import { isOwnNode, type OwnNode } from './nodes.js';

export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';

const nodeGroup = 'system:nodes';
const allowedUsages = new Set(['digital signature', 'key encipherment', 'client auth']);

/** A node as a provider was given it. */
export interface NodeOfProvider extends OwnNode {
  nodeName: string;
  /** The key that it was admitted with; absent for one that did not sign. */
  nodeKey?: string;
}

export interface NodeCertificateInput {
  /** The name of the CertificateSigningRequest. */
  name: string;
  /** The requesting join token and the node it was created for; absent when a node renews its certificate. */
  token?: { tokenId: string; nodeName?: string };
  /** The node that the provider has or may create; absent before a name is assigned. */
  node?: NodeOfProvider;
  /** The provider's current key; absent if it does not sign. */
  key?: string;
  /**
   * True if the provider is leaving the fleet: nobody may join in its name, while its node serves until its jobs have
   * ended.
   */
  leaving: boolean;
}

export interface NodeCertificateDecision {
  approved: boolean;
  reason: string;
}

/**
 * Approves a node's certificate request, or denies it for good so that the requester does not wait in vain. A join
 * token gets a certificate only for the node it was created for, and only while no node of that name exists or the node
 * is the provider's own; so it cannot be used to impersonate another machine. A node may renew its own certificate
 * while it is in the fleet.
 *
 * @param certified called before the approval; returns false when the node has left the fleet in the meantime.
 */
export async function decideNodeCertificate(
  kubernetes: Kubernetes,
  input: NodeCertificateInput,
  certified: (nodeName: string) => Promise<boolean>,
): Promise<NodeCertificateDecision> {
  const { certificates, core } = kubernetes;
  const request = await unlessNotFound(certificates.readCertificateSigningRequest({ name: input.name }));
  if (request === undefined) return { approved: false, reason: 'the request is gone' };
  const decided = request.status?.conditions?.find(({ type }) => type === 'Approved' || type === 'Denied');
  if (decided !== undefined) return { approved: decided.type === 'Approved', reason: printable(decided.message) ?? '' };

  const { node } = input;
  const found = node && (await unlessNotFound(core.readNode({ name: node.nodeName })));
  let objection = objectionTo(request, input) ?? objectionToNode(found, input);
  if (objection === undefined && !(await certified(node!.nodeName))) objection = 'the node has left the fleet';
  const approved = objection === undefined;
  request.status = {
    ...request.status,
    conditions: [
      {
        type: approved ? 'Approved' : 'Denied',
        status: 'True',
        reason: approved ? 'WorldlandProvider' : 'WorldlandRefused',
        message: objection ?? `node of provider ${node!.providerId}`,
      },
    ],
  };
  await certificates.replaceCertificateSigningRequestApproval({ name: input.name, body: request });
  return { approved, reason: objection ?? '' };
}

/** Why nobody may become this node now; undefined if the provider may. */
function objectionToNode(
  found: V1Node | undefined,
  { node, token, key, leaving }: NodeCertificateInput,
): string | undefined {
  const isOwn = found !== undefined && isOwnNode(found, node!);
  if (node!.nodeKey !== undefined && node!.nodeKey !== key) return 'another key speaks for the provider now';
  if (token === undefined) {
    return isOwn && found.metadata?.uid === node!.nodeUid ? undefined : 'the node is not the one that is in the fleet';
  }
  if (leaving) return 'the provider is being retired';
  if (found !== undefined && !isOwn) return `the node ${node!.nodeName} belongs to somebody else`;
  // Such a name is not reserved: any machine that comes by it next gets it.
  if (found === undefined && node!.generation === 0) return 'the node has left the fleet; register again';
  return undefined;
}

/** Why a request is not one that this provider's kubelet would send; undefined when it is. */
export function objectionTo(
  request: V1CertificateSigningRequest,
  { token, node }: Pick<NodeCertificateInput, 'token' | 'node'>,
): string | undefined {
  const { spec } = request;
  if (spec.signerName !== kubeletClientSigner) return `the signer ${spec.signerName} is not for nodes`;
  if (node === undefined || (token !== undefined && token.nodeName !== node.nodeName))
    return 'the join command has been replaced by another one; register again';
  const groups = spec.groups ?? [];
  if (token === undefined) {
    if (spec.username !== `${nodeUserPrefix}${node.nodeName}` || !groups.includes(nodeGroup))
      return 'the request was not made by this node';
  } else {
    if (spec.username !== `${bootstrapUserPrefix}${token.tokenId}`) return 'the request was not made with this token';
    if (!groups.includes(bootstrapGroup)) return 'the token is not one of the broker';
  }
  if (spec.usages?.every((usage) => allowedUsages.has(usage)) !== true)
    return 'it asks for more than a client certificate';
  try {
    // The API returns the PEM text in base64.
    return objectionToContents(Buffer.from(spec.request, 'base64').toString('utf8'), node.nodeName);
  } catch {
    return 'the request is no PKCS #10';
  }
}

/** @throws any parser error: some faults only show when the affected part is read. */
function objectionToContents(pem: string, nodeName: string): string | undefined {
  const parsed = new Pkcs10CertificateRequest(pem);
  const names = parsed.subjectName.toJSON();
  const values = (type: string) => names.flatMap((name) => name[type] ?? []);
  if (values('CN').join() !== `${nodeUserPrefix}${nodeName}`)
    return `it asks for ${printable(values('CN').join()) ?? 'no name'}, not for ${nodeName}`;
  if (values('O').join() !== nodeGroup) return 'it asks for another group than system:nodes';
  if (names.some((name) => Object.keys(name).some((type) => type !== 'CN' && type !== 'O')))
    return 'it asks for more names';
  if (parsed.getExtension('2.5.29.17') !== null) return 'it asks for alternative names';
  return undefined;
}
