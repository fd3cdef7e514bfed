/** A parsed and validated OpenSSH public key. */
export interface SshPublicKey {
  type: string;
  /** `type blob [comment]` on one line for an authorized_keys file, without options or control characters. */
  line: string;
}

/** RSA below 2048 bits is broken in practice and OpenSSH refuses it; above 16384 bits, a login takes seconds. */
const rsaBits = { min: 2048, max: 16_384 };
/** An RSA key of 16384 bits has 2,760 characters; no acceptable key is longer. */
const maxLineLength = 4_096;
const maxCommentLength = 64;

/** Checks what follows the type inside the blob, by type; each throws a sentence for the customer. */
const bodies: Readonly<Record<string, (blob: BlobReader) => void>> = {
  'ssh-ed25519': ed25519,
  'ssh-rsa': rsa,
  'ecdsa-sha2-nistp256': ecdsa('nistp256', 32),
  'ecdsa-sha2-nistp384': ecdsa('nistp384', 48),
  'ecdsa-sha2-nistp521': ecdsa('nistp521', 66),
  'sk-ssh-ed25519@openssh.com': (blob) => {
    ed25519(blob);
    application(blob);
  },
  'sk-ecdsa-sha2-nistp256@openssh.com': (blob) => {
    ecdsa('nistp256', 32)(blob);
    application(blob);
  },
};

/**
 * Parses one line of an authorized_keys file without options. The type inside the blob must match the type before it,
 * and the blob must contain exactly what its type requires, so that only a key reaches a pod.
 *
 * @throws Error with a sentence that describes the problem and never repeats the key.
 */
export function parseSshPublicKey(text: string): SshPublicKey {
  if (text.length > maxLineLength) throw new Error(`is longer than ${maxLineLength} characters`);
  const line = text.trim().replaceAll('\t', ' ');
  if (line.includes('PRIVATE KEY')) throw new Error('is a private key: send the public one, and replace this key now');
  if (/[\r\n]/.test(line)) throw new Error('must be one line: give each key as an element of its own');
  if (/\p{C}/u.test(line)) throw new Error('holds control characters');
  const [type = '', encoded = '', ...comment] = line.split(/ +/);
  const readBody = Object.hasOwn(bodies, type) ? bodies[type] : undefined;
  if (readBody === undefined) {
    throw new Error(`must begin with a key type, without options; accepted: ${Object.keys(bodies).join(', ')}`);
  }
  const bytes = Buffer.from(encoded, 'base64');
  // Buffer.from skips invalid characters, so encode the result again and compare.
  if (bytes.length === 0 || bytes.toString('base64') !== encoded) throw new Error('is not valid base64 after its type');
  const blob = new BlobReader(bytes);
  if (blob.text() !== type) throw new Error(`says ${type}, but its base64 part is of another type`);
  readBody(blob);
  blob.end();
  const cleaned = comment
    .join('_')
    .replace(/[^A-Za-z0-9@._+-]/g, '_')
    .slice(0, maxCommentLength);
  return { type, line: cleaned === '' ? `${type} ${encoded}` : `${type} ${encoded} ${cleaned}` };
}

/** Reads the length-prefixed strings of RFC 4251 one after another. */
class BlobReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  next(): Buffer {
    const start = this.at + 4;
    if (start > this.bytes.length) throw new Error('is cut short');
    const end = start + this.bytes.readUInt32BE(this.at);
    if (end > this.bytes.length) throw new Error('is cut short');
    this.at = end;
    return this.bytes.subarray(start, end);
  }

  text(): string {
    return this.next().toString('latin1');
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new Error('has bytes after the key');
  }
}

function ed25519(blob: BlobReader): void {
  if (blob.next().length !== 32) throw new Error('is not an Ed25519 key: 32 bytes are missing');
}

function rsa(blob: BlobReader): void {
  const exponent = positive(blob.next());
  const modulus = positive(blob.next());
  if (exponent < 3n || exponent % 2n === 0n) throw new Error('has an RSA exponent that is not acceptable');
  const bits = modulus.toString(2).length;
  if (bits < rsaBits.min) throw new Error(`is an RSA key of ${bits} bits; at least ${rsaBits.min} are needed`);
  if (bits > rsaBits.max) throw new Error(`is an RSA key of ${bits} bits; ${rsaBits.max} is the most`);
}

function positive(bytes: Buffer): bigint {
  if (bytes.length === 0 || bytes.length > rsaBits.max / 8 + 1 || (bytes[0]! & 0x80) !== 0) {
    throw new Error('holds a number that is not acceptable');
  }
  return BigInt(`0x${bytes.toString('hex')}`);
}

function ecdsa(curve: string, fieldBytes: number): (blob: BlobReader) => void {
  return (blob) => {
    if (blob.text() !== curve) throw new Error(`is not a key of the curve ${curve}`);
    const point = blob.next();
    if (point.length !== 1 + 2 * fieldBytes || point[0] !== 0x04) throw new Error('holds no uncompressed curve point');
  };
}

/** The relying party of a security key. OpenSSH uses `ssh:` by default. */
function application(blob: BlobReader): void {
  if (!/^ssh:[\x21-\x7e]{0,64}$/.test(blob.text())) throw new Error('has an application that is not acceptable');
}
