import { isNativeError } from 'node:util/types';
import { nearestName } from '../domain/nearest-name.js';
import { shown } from './doctor/host.js';
import { reasonOf } from './say.js';

/** What to do about errors of the system and of the network, which say nothing about it themselves. */
const remedies: Readonly<Record<string, string>> = {
  EACCES: 'run it with sudo, or name another folder with --state',
  EPERM: 'run it with sudo, or name another folder with --state',
  EROFS: 'name a folder that can be written with --state',
  ENOSPC: 'the disk is full: df -h shows which',
  EMFILE: 'too many files are open: provider-agent doctor looks at the limits',
  ECONNREFUSED: 'nothing answers there: is --broker right, and is the broker up?',
  ECONNRESET: 'the connection was cut: try again',
  ENOTFOUND: 'there is no such host: is --broker spelled right?',
  EAI_AGAIN: 'this machine cannot look up names: resolvectl status',
  ETIMEDOUT: 'nothing answers there: is --broker right, and does a firewall let this machine out?',
  UND_ERR_CONNECT_TIMEOUT: 'nothing answers there: is --broker right, and does a firewall let this machine out?',
  CERT_HAS_EXPIRED:
    "the broker's certificate has expired: tell its operator, or compare clocks with provider-agent doctor",
  SELF_SIGNED_CERT_IN_CHAIN: 'a private CA: set NODE_EXTRA_CA_CERTS=/path/ca.pem',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'a private CA: set NODE_EXTRA_CA_CERTS=/path/ca.pem',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'a private CA: set NODE_EXTRA_CA_CERTS=/path/ca.pem',
};

const maxLength = 600;

/** An error as one line for people, with what to do about it where that is known. Its text may quote strangers. */
export function troubleOf(error: unknown): string {
  const text = shown(reasonOf(error), maxLength);
  const remedy = remedies[codeOf(error) ?? ''];
  return remedy === undefined ? text : `${text} (${remedy})`;
}

function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; isNativeError(at) && depth < 5; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string' && code in remedies) return code;
    // Each address that was tried has an error of its own.
    const { errors } = at as Partial<AggregateError>;
    if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  }
  return undefined;
}

/** What is wrong with a word on the command line, and what was perhaps meant. */
export function unknownWord(kind: 'command' | 'option', word: string, known: readonly string[], help: string): string {
  const near = nearestName(word.replace(/^-+/, ''), known);
  const dashes = kind === 'option' ? '--' : '';
  return `unknown ${kind} ${shown(word, 60)}${near === undefined ? '' : `: did you mean ${dashes}${near}?`} (${help} lists them)`;
}
