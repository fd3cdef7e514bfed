// The certificate library's container needs this to be there before it is loaded.
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
  /** The join token that asks, and the node that it was made for; absent where a node renews what it has. */
  token?: { tokenId: string; nodeName?: string };
  /** The node that the provider has or may make; absent where it has been given no name. */
  node?: NodeOfProvider;
  /** The key that speaks for the provider now; absent for one that does not sign. */
  key?: string;
  /** The provider leaves the fleet: nobody joins in its name any more. Its node serves to the end of its jobs. */
  leaving: boolean;
}

export interface NodeCertificateDecision {
  approved: boolean;
  reason: string;
}

/**
 * Approves a node's certificate request, or denies it for good, so that nobody waits for what will not come. A join token
 * gets a certificate for the one node that it was made for, and only while no node of that name is there or it is the
 * provider's own: it is no way to become another's machine. A node gets its own renewed while it is in the fleet.
 *
 * @param certified called before it is approved; false when the node has left the fleet meanwhile.
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

/** Why nobody may be this node now; undefined where the provider may. */
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
  // Such a name is nobody's in particular: whatever machine comes by it next has it.
  if (found === undefined && node!.generation === 0) return 'the node has left the fleet; register again';
  return undefined;
}

/** Why a request is not what a kubelet of this provider would send; undefined when it is. */
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
    // The API holds the PEM text in base64.
    return objectionToContents(Buffer.from(spec.request, 'base64').toString('utf8'), node.nodeName);
  } catch {
    return 'the request is no PKCS #10';
  }
}

/** @throws whatever the parser does: only some of what can be wrong shows before a part of it is looked at. */
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
