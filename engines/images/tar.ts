/** One entry of an archive. Owner, group and time are always 0, so that identical content gives identical bytes. */
export type TarEntry =
  | { path: string; content: Buffer; mode?: number }
  | { path: string; folder: true; mode?: number }
  | { path: string; linkTo: string };

const block = 512;
/** The size of the path field in a ustar header. */
const longestPath = 100;

/**
 * Writes an archive in the ustar format, which every container runtime reads.
 *
 * @throws Error for a path or link longer than 100 characters, which nothing here needs.
 */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    const content = 'content' in entry ? entry.content : Buffer.alloc(0);
    parts.push(header(entry, content.length), content, Buffer.alloc((block - (content.length % block)) % block));
  }
  // Two empty blocks end an archive.
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function header(entry: TarEntry, size: number): Buffer {
  const path = 'folder' in entry ? `${entry.path}/` : entry.path;
  const linkTo = 'linkTo' in entry ? entry.linkTo : '';
  if (path.length > longestPath || linkTo.length > longestPath) throw new Error(`${path}: too long for the archive`);
  const [type, mode] =
    'linkTo' in entry ? ['2', 0o777] : 'folder' in entry ? ['5', entry.mode ?? 0o755] : ['0', entry.mode ?? 0o644];
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, digits: number) =>
    bytes.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  bytes.write(path, 0, 'utf8');
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(0, 136, 11);
  bytes.write(type, 156, 'latin1');
  bytes.write(linkTo, 157, 'utf8');
  bytes.write('ustar\x0000', 257, 'latin1');
  // The checksum is computed with its own field filled with spaces.
  bytes.fill(' ', 148, 156);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return bytes;
}
