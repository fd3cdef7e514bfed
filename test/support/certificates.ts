import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate with its key, as files and as their contents. */
export interface Certificate {
  certFile: string;
  keyFile: string;
  cert: string;
  key: string;
}

export interface Authority {
  caFile: string;
  ca: string;
  /** @param names as in a subjectAltName: `DNS:localhost,IP:127.0.0.1`. */
  issue(name: string, names: string): Certificate;
}

/** A test's own certificate authority; it needs `openssl`. */
export function certificateAuthority(folder: string, name = 'ca'): Authority {
  const path = (file: string) => join(folder, file);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.crt`,
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  );
  const read = (file: string) => readFileSync(path(file), 'utf8');
  return {
    caFile: path(`${name}.crt`),
    ca: read(`${name}.crt`),
    issue(cn, names) {
      const file = `${name}-${cn}`;
      openssl('req', ...newKey, '-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', `/CN=${cn}`);
      writeFileSync(path(`${file}.ext`), `subjectAltName=${names}\n`);
      const signing = ['-CA', `${name}.crt`, '-CAkey', `${name}.key`, '-CAcreateserial', '-days', '2'];
      openssl('x509', '-req', '-in', `${file}.csr`, ...signing, '-extfile', `${file}.ext`, '-out', `${file}.crt`);
      return {
        certFile: path(`${file}.crt`),
        keyFile: path(`${file}.key`),
        cert: read(`${file}.crt`),
        key: read(`${file}.key`),
      };
    },
  };
}
