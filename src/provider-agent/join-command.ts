import { hostInUrl } from '../domain/endpoint-url.js';

/** A parsed `kubeadm join` line. */
export interface JoinCommand {
  host: string;
  port: number;
  tokenId: string;
  tokenSecret: string;
  /** Hex SHA-256 hashes of CA public keys; the cluster's CA must match one of them. */
  caHashes: string[];
  nodeName?: string;
}

/** The options a join command may have, and the form of their values. Only the CA hash may occur more than once. */
const options = {
  token: /^[a-z0-9]{6}\.[a-z0-9]{16}$/,
  'discovery-token-ca-cert-hash': /^sha256:[0-9a-f]{64}$/i,
  'node-name': /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/,
} as const;
type Option = keyof typeof options;

const endpointForm = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9][a-z0-9.-]*)):(\d{1,5})$/i;

/**
 * Parses a join command as the shell and kubeadm would. It is run as root on a provider's machine, so one unexpected
 * word or option is reason enough to reject the whole line.
 *
 * @throws Error that names the problem and never contains the token.
 */
export function parseJoinCommand(line: string): JoinCommand {
  if (!/^[\w:./=,[\] -]+$/.test(line)) throw new Error('the join command contains characters other than plain words');
  const [program, verb, endpoint = '', ...rest] = line.trim().split(/ +/);
  if (program !== 'kubeadm' || verb !== 'join') throw new Error('the join command does not begin with "kubeadm join"');
  const address = endpointForm.exec(endpoint);
  const port = Number(address?.[3]);
  if (address === null || port < 1 || port > 65_535) throw new Error('the join command names no host:port to join');

  const given = readOptions(rest);
  const token = given.get('token')?.[0];
  if (token === undefined) throw new Error('the join command has no --token');
  const caHashes = given.get('discovery-token-ca-cert-hash') ?? [];
  // kubeadm itself rejects a cluster without a CA hash unless told otherwise.
  if (caHashes.length === 0) throw new Error('the join command has no --discovery-token-ca-cert-hash');
  const nodeName = given.get('node-name')?.[0];
  return {
    host: address[1] ?? address[2]!,
    port,
    tokenId: token.slice(0, 6),
    tokenSecret: token.slice(7),
    caHashes: caHashes.map((hash) => hash.slice('sha256:'.length).toLowerCase()),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

/** The arguments for `kubeadm`, rebuilt from the parsed command, so that nothing is run that was not parsed. */
export function joinArguments({ host, port, tokenId, tokenSecret, caHashes, nodeName }: JoinCommand): string[] {
  return [
    'join',
    `${hostInUrl(host)}:${port}`,
    ...['--token', `${tokenId}.${tokenSecret}`],
    ...caHashes.flatMap((hash) => ['--discovery-token-ca-cert-hash', `sha256:${hash}`]),
    ...(nodeName === undefined ? [] : ['--node-name', nodeName]),
  ];
}

/** Accepts both `--name value` and `--name=value`. */
function readOptions(words: readonly string[]): Map<Option, string[]> {
  const given = new Map<Option, string[]>();
  for (let at = 0; at < words.length; at++) {
    const [, name = '', inline] = /^--([a-z-]+)(?:=(.*))?$/.exec(words[at]!) ?? [];
    if (!isOption(name)) throw new Error(`the join command has an unexpected word at position ${at + 4}`);
    const value = inline ?? words[++at];
    if (value === undefined) throw new Error(`the join command ends after --${name}`);
    if (!options[name].test(value)) throw new Error(`--${name} of the join command has an invalid value`);
    const before = given.get(name) ?? [];
    if (before.length > 0 && name !== 'discovery-token-ca-cert-hash')
      throw new Error(`the join command has --${name} twice`);
    given.set(name, [...before, value]);
  }
  return given;
}

function isOption(name: string): name is Option {
  return Object.hasOwn(options, name);
}
