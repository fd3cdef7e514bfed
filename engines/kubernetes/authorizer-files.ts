// The certificate library's container needs this import before the library is loaded.
import 'reflect-metadata';
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';
import { reviewPath } from '../../src/roles/authorizer/server.js';
import { writeAtomically } from '../files.js';
import { packageRoot } from '../paths.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const host = '127.0.0.1';
/** Where the shipped configuration expects the other file. */
const shippedKubeconfig = '/etc/kubernetes/worldland/authorizer.kubeconfig';

export interface AuthorizerFiles {
  /** For the API server's `--authorization-config`. */
  configuration: string;
  /** The environment that makes the broker's role `authorizer` answer the API server. */
  roleEnv: Record<string, string>;
}

/**
 * Creates what the shipped AuthorizationConfiguration needs on this machine: certificates by which API server and
 * broker recognize each other, once per folder, and the kubeconfig with which the API server asks the broker.
 */
export async function prepareAuthorizer(folder: string, port: number): Promise<AuthorizerFiles> {
  const path = (name: string) => join(folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(path('made'))) {
    for (const [name, pem] of Object.entries(await certificates())) writeFileSync(path(name), pem, { mode: 0o600 });
    writeFileSync(path('made'), '');
  }
  const kubeconfig = path('authorizer.kubeconfig');
  writeAtomically(kubeconfig, JSON.stringify(kubeconfigFor(port, path), null, 2));
  const shipped = readFileSync(join(packageRoot, 'src/kubernetes/deploy/control-plane/authorization.yaml'), 'utf8');
  writeAtomically(path('authorization.yaml'), shipped.replace(shippedKubeconfig, kubeconfig));
  return {
    configuration: path('authorization.yaml'),
    roleEnv: {
      AUTHORIZER_HOST: host,
      AUTHORIZER_PORT: String(port),
      AUTHORIZER_TLS_CERT_FILE: path('server.crt'),
      AUTHORIZER_TLS_KEY_FILE: path('server.key'),
      AUTHORIZER_CLIENT_CA_FILE: path('ca.crt'),
    },
  };
}

function kubeconfigFor(port: number, path: (name: string) => string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'broker',
        cluster: { server: `https://${host}:${port}${reviewPath}`, 'certificate-authority': path('ca.crt') },
      },
    ],
    users: [
      { name: 'api-server', user: { 'client-certificate': path('client.crt'), 'client-key': path('client.key') } },
    ],
    contexts: [{ name: 'broker', context: { cluster: 'broker', user: 'api-server' } }],
    'current-context': 'broker',
  };
}

async function certificates(): Promise<Record<string, string>> {
  const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const common = () => ({
    // Positive, as Go requires.
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 10 * 365 * 86_400_000),
    signingAlgorithm: algorithm,
  });
  const [authority, server, client] = await Promise.all([newKeys(), newKeys(), newKeys()]);
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...common(),
    name: 'CN=worldland-local-authorizer',
    keys: authority,
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  const issue = async (cn: string, { publicKey }: webcrypto.CryptoKeyPair, usage: ExtendedKeyUsage) =>
    await X509CertificateGenerator.create({
      ...common(),
      subject: `CN=${cn}`,
      issuer: ca.subject,
      publicKey,
      signingKey: authority.privateKey,
      extensions: [
        new ExtendedKeyUsageExtension([usage]),
        new SubjectAlternativeNameExtension([{ type: 'ip', value: host }]),
      ],
    });
  const pem = (certificate: X509Certificate) => `${certificate.toString('pem')}\n`;
  const keyPem = ({ privateKey }: webcrypto.CryptoKeyPair) =>
    KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    'ca.crt': pem(ca),
    'server.crt': pem(await issue('broker', server, ExtendedKeyUsage.serverAuth)),
    'server.key': keyPem(server),
    'client.crt': pem(await issue('api-server', client, ExtendedKeyUsage.clientAuth)),
    'client.key': keyPem(client),
  };
}
