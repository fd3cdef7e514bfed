/** What a `kubeadm join` line says. */
export interface JoinCommand {
  host: string;
  port: number;
  tokenId: string;
  tokenSecret: string;
  /** Hex of SHA-256 over the public key of the cluster's CA; one of them has to fit. */
  caHashes: string[];
  nodeName?: string;
}

/**
 * Reads a join command as the shell and kubeadm would. It is run as root on a provider's machine, so a line that is
 * anything but plain words is refused here as well.
 *
 * @throws Error naming what is wrong; never with the token in it.
 */
export function parseJoinCommand(line: string): JoinCommand {
  if (!/^[\w:./=,\[\]\s-]+$/.test(line) || line.trim().includes('\n'))
    throw new Error('the join command holds more than plain words');
  const words = line.trim().split(/\s+/);
  const [program, verb, endpoint = '', ...rest] = words;
  if (program !== 'kubeadm' || verb !== 'join') throw new Error('the join command does not begin with "kubeadm join"');
  const flags = new Map<string, string[]>();
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!;
    if (!word.startsWith('--')) throw new Error(`the join command has a word that belongs to no option: ${word}`);
    const [name = '', inline] = split(word.slice(2), '=');
    const value = inline ?? rest[++i];
    if (value === undefined) throw new Error(`the join command ends after --${name}`);
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  const address = /^(?:\[([0-9a-f:]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(endpoint);
  if (address === null) throw new Error(`the join command names no host:port but ${endpoint}`);
  const token = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(flags.get('token')?.[0] ?? '');
  if (token === null) throw new Error('the join command has no token of the form id.secret');
  const caHashes = (flags.get('discovery-token-ca-cert-hash') ?? []).map((hash) => {
    const hex = /^sha256:([0-9a-f]{64})$/i.exec(hash)?.[1];
    if (hex === undefined) throw new Error(`the CA hash is not sha256:<hex> but ${hash}`);
    return hex.toLowerCase();
  });
  // kubeadm too refuses to trust a cluster without a pin, unless told to.
  if (caHashes.length === 0) throw new Error('the join command has no --discovery-token-ca-cert-hash');
  const nodeName = flags.get('node-name')?.[0];
  return {
    host: address[1] ?? address[2]!,
    port: Number(address[3]),
    tokenId: token[1]!,
    tokenSecret: token[2]!,
    caHashes,
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

function split(text: string, by: string): [string, string | undefined] {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
