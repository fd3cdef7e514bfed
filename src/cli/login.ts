import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isHex, parseEther } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { login } from '../client/session.js';
import { scopes as allScopes, type Scope } from '../wire/scopes.js';

const usage = `Usage: npm run login -- [options]

Logs a wallet in and prints a bearer token on standard output.

  WALLET_PRIVATE_KEY=0x… login [--api URL] [--scopes jobs:read,jobs:write] [--spend-limit TOKENS] [--ttl SECONDS]
                               [--chain-id ID] [--audience ORIGIN]

  --help   show this text

The key comes from WALLET_PRIVATE_KEY, or from the file that WALLET_PRIVATE_KEY_FILE names; it stays in this process.`;

const text = { type: 'string' } as const;
const options = {
  api: { ...text, default: process.env['BROKER_API'] ?? 'http://localhost:8080' },
  scopes: { ...text, default: 'jobs:read,jobs:write' },
  'spend-limit': { ...text, default: '0' },
  ttl: { ...text, default: '3600' },
  ...{ 'chain-id': text, audience: text },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const values = read();

function read() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`✗ ${(error as Error).message}\n\n${usage}`);
    process.exit(2);
  }
}

if (values.help) {
  console.log(usage);
} else {
  try {
    const ttlSeconds = Number(values.ttl);
    const session = await login({
      api: values.api,
      account: privateKeyToAccount(privateKey()),
      scopes: scopeList(values.scopes),
      spendLimit: parseEther(values['spend-limit']),
      label: 'command line',
      ...(values['chain-id'] === undefined ? {} : { chainId: Number(values['chain-id']) }),
      ...(values.audience === undefined ? {} : { audience: values.audience }),
    });
    console.log(await session.token({ ttlSeconds }));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

function privateKey(): `0x${string}` {
  const file = process.env['WALLET_PRIVATE_KEY_FILE'];
  const key = (process.env['WALLET_PRIVATE_KEY'] ?? (file === undefined ? '' : readFileSync(file, 'utf8'))).trim();
  // The error message must not contain the value.
  if (!isHex(key) || key.length !== 66) throw new Error(`WALLET_PRIVATE_KEY is not a private key.\n\n${usage}`);
  return key;
}

function scopeList(text: string): Scope[] {
  return text.split(',').map((name) => {
    const scope = allScopes.find((known) => known === name.trim());
    if (scope === undefined) throw new Error(`"${name}" is not a scope: ${allScopes.join(', ')}`);
    return scope;
  });
}
