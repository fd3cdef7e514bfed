import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Context } from 'koa';

/** How the bytes of an answer can be coded, the best first. */
export const codings = ['br', 'gzip', 'identity'] as const;
type Coding = (typeof codings)[number];

/** A shorter body fits into one packet in any case. */
const worthCompressingBytes = 1_024;

/** A higher quality costs more time than it saves bytes: a reply lives for a second. */
const brotliOptions = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT },
};
const compressors = {
  br: (bytes: Buffer) => promisify(brotliCompress)(bytes, brotliOptions),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes),
};

/** Keeps what was compressed of one body: each coding is made once, when somebody first accepts it. */
export class CodedBody {
  private readonly made = new Map<Coding, Promise<Buffer>>();

  constructor(readonly identity: Buffer) {}

  /** Whether a client that accepts compressed answers gets one. */
  get isCompressible(): boolean {
    return this.identity.length >= worthCompressingBytes;
  }

  in(coding: Coding): Promise<Buffer> | Buffer {
    if (coding === 'identity') return this.identity;
    let bytes = this.made.get(coding);
    if (bytes === undefined) {
      bytes = compressors[coding](this.identity);
      this.made.set(coding, bytes);
    }
    return bytes;
  }
}

/** The best coding that this client accepts. One that accepts none at all gets the bytes as they are. */
export function acceptedCoding(ctx: Pick<Context, 'acceptsEncodings'>): Coding {
  // One by one: given a choice, the library prefers what the client names first, which browsers say in no order.
  return codings.find((coding) => coding !== 'identity' && ctx.acceptsEncodings(coding) === coding) ?? 'identity';
}

/** The name of the bytes in this coding; caches must not take one coding for another. */
export function codedEtag(etag: string, coding: Coding): string {
  return `"${etag}${coding === 'identity' ? '' : `-${coding}`}"`;
}
