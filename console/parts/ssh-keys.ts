/** A public key as it may go into an order. */
export interface PublicKey {
  /** `type blob [comment]`, one line. */
  line: string;
  /** `ED25519`, `RSA 3072`, `ECDSA 256`, with `security key` where it is on one. */
  kind: string;
  comment: string;
}

/** What somebody pasted, or a file held. */
export type Inspection =
  | { is: 'nothing' }
  /** Something that must never leave the computer; what it is, in words. */
  | { is: 'secret'; what: string }
  | { is: 'keys'; keys: PublicKey[] }
  | { is: 'unusable'; why: string };

const mostKeys = 10;
const longestLine = 4_096;
/** Nothing that belongs here is longer; what is cut off is not read, and is not kept either. */
const longestText = 64 * 1024;

/** What gives a secret away, wherever in the text it stands. */
const secrets: readonly (readonly [RegExp, string])[] = [
  [/-----\s*BEGIN[^\n]*PRIVATE KEY/i, 'a private key'],
  [/PRIVATE KEY/i, 'a private key'],
  // The body of an OpenSSH private key without its first line: "openssh-key-v1".
  [/b3BlbnNzaC1rZXktdjE/, 'a private key'],
  [/PuTTY-User-Key-File/i, 'a private key of PuTTY'],
  [/^\s*Private-Lines:/im, 'a private key of PuTTY'],
  [/"(?:crypto|Crypto)"\s*:\s*\{/, 'the key file of a wallet'],
  [/^\s*(?:0x)?[0-9a-f]{64}\s*$/i, 'the private key of a wallet'],
  [/^\s*(?:[a-z]{3,8}\s+){11,23}[a-z]{3,8}\s*$/, 'the recovery phrase of a wallet'],
];

const kinds: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ED25519',
  'ssh-rsa': 'RSA',
  'ecdsa-sha2-nistp256': 'ECDSA 256',
  'ecdsa-sha2-nistp384': 'ECDSA 384',
  'ecdsa-sha2-nistp521': 'ECDSA 521',
  'sk-ssh-ed25519@openssh.com': 'ED25519 on a security key',
  'sk-ecdsa-sha2-nistp256@openssh.com': 'ECDSA on a security key',
};

/**
 * Tells public keys from private ones and from what is neither, before anything leaves the page. The broker checks keys
 * itself: this finds what people paste by mistake.
 */
export function inspectKeys(given: string): Inspection {
  const text = given.slice(0, longestText);
  const secret = secrets.find(([sign]) => sign.test(text));
  if (secret !== undefined) return { is: 'secret', what: secret[1] };
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const written = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (written.length === 0) return { is: 'nothing' };
  if (written.length > mostKeys) return unusable(`That is more than ${mostKeys} keys.`);
  const keys: PublicKey[] = [];
  for (const line of written) {
    const read = readKey(line);
    if (typeof read === 'string') return unusable(read);
    if (!keys.some((key) => key.line === read.line)) keys.push(read);
  }
  return { is: 'keys', keys };
}

const unusable = (why: string): Inspection => ({ is: 'unusable', why });

/** A sentence if it is no key. */
function readKey(line: string): PublicKey | string {
  if (line.length > longestLine)
    return `This is too long to be a public key: keys have at most ${longestLine} characters.`;
  const [type = '', blob = '', ...comment] = line.split(/\s+/);
  if (!Object.hasOwn(kinds, type)) {
    return /^---- BEGIN SSH2 PUBLIC KEY/.test(line)
      ? 'This is the format of RFC 4716. ssh-keygen -i -f FILE writes it as one line.'
      : 'A public key is one line that begins with its type, such as ssh-ed25519, without options before it.';
  }
  const bytes = bytesOf(blob);
  if (bytes === undefined) return 'The key is cut off or damaged: its second word is not whole.';
  const parts = partsOf(bytes);
  if (parts === undefined || parts.length < 2) return 'The key is cut off: copy the whole line.';
  if (new TextDecoder().decode(parts[0]) !== type)
    return `The line says ${type}, but the key in it is of another type.`;
  const rsaBits = type === 'ssh-rsa' ? bitsOf(parts[2]) : undefined;
  if (rsaBits !== undefined && rsaBits < 2048) return `RSA keys need at least 2048 bits; this one has ${rsaBits}.`;
  return {
    line: [type, blob, ...comment].join(' '),
    kind: rsaBits === undefined ? kinds[type]! : `RSA ${rsaBits}`,
    comment: comment.join(' '),
  };
}

function bytesOf(base64: string): Uint8Array | undefined {
  if (base64 === '' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** The strings of RFC 4251, each with its length in front; undefined if the last is not whole. */
function partsOf(bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) return undefined;
    const end = at + 4 + view.getUint32(at);
    if (end > bytes.length) return undefined;
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return parts;
}

/** The length of a modulus without its leading zeros. */
function bitsOf(modulus: Uint8Array | undefined): number {
  const first = modulus?.findIndex((byte) => byte !== 0) ?? -1;
  if (modulus === undefined || first === -1) return 0;
  return (modulus.length - first) * 8 - Math.clz32(modulus[first]!) + 24;
}

/** What is said of a secret that was about to be given away; the field is emptied before anybody reads this. */
export function secretWords(what: string): string {
  return `That is ${what}. The field was cleared at once, and nothing was sent. Paste your public key instead: the contents of the file that ends in .pub.`;
}

/** What a key is called in a list. */
export function keyLabel({ kind, comment }: Pick<PublicKey, 'kind' | 'comment'>): string {
  return comment === '' ? kind : `${kind}, ${comment}`;
}

/** A name to keep a key under, that the broker takes. */
export function keyName({ kind, comment }: Pick<PublicKey, 'kind' | 'comment'>): string {
  const name = comment.replace(/[^A-Za-z0-9@._+-]+/g, '_').slice(0, 64);
  return name === '' ? kind.toLowerCase().replace(/\s+/g, '-') : name;
}

/** Whether two lines are the same key, whatever their comments say. */
export function isSameKey(a: string, b: string): boolean {
  const key = (line: string) => line.split(/\s+/, 2).join(' ');
  return key(a) === key(b);
}
