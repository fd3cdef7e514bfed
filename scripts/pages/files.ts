import { createHash } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** Texts by the name of their file. */
export type Files = Map<string, string>;

/** A name that holds a hash of its content, so that it may be kept for ever. */
export function hashed(stem: string, ending: string, text: string): { name: string; text: string } {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { name: `${stem}-${hash}${ending}`, text };
}

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

/** Replaces a folder by these files, each with its compressed forms beside it, once all of them are written. */
export async function writeFiles(files: ReadonlyMap<string, string | Buffer>, target: string): Promise<void> {
  const folder = `${target}.${process.pid}.tmp`;
  for (const [name, content] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const options = { params: { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } };
    const forms = { '.br': await brotli(bytes, options), '.gz': await zip(bytes, { level: 9 }) };
    await writeFile(path, bytes);
    for (const [ending, form] of Object.entries(forms)) {
      if (form.length < bytes.length) await writeFile(path + ending, form);
    }
  }
  await rm(target, { recursive: true, force: true });
  await rename(folder, target);
}
