import { describe, expect, test } from '@jest/globals';
import { createLogger, describeError, type Logger } from '../../src/observability/logger.js';

/** What is printed meanwhile. */
function printed(log: (logger: Logger) => void): string {
  const lines: string[] = [];
  log(createLogger({ LOG_LEVEL: 'info' }, 'broker', { write: (line) => void lines.push(line) }));
  return lines.join('');
}

describe('a log line', () => {
  test.each([
    'join_token',
    'joinToken',
    'join_command',
    'token',
    'ssh_password',
    'signature',
    'sig',
    'private_key',
    'env',
  ])('a log line does not contain a field named %s, at any depth', (field) => {
    const line = printed((logger) => {
      logger.info(
        { [field]: 'hunter2', reply: { [field]: 'hunter2' }, deep: { reply: { [field]: 'hunter2' } } },
        'told',
      );
    });
    expect(line).toContain('told');
    expect(line).not.toContain('hunter2');
  });

  test('a log line does not contain what a driver attaches to its errors or their causes', () => {
    const reply = Object.assign(new Error('OOM command not allowed'), {
      code: 'OOM',
      command: { name: 'xadd', args: ['provider:response:a', 'data', 'kubeadm join --token abcdef.hunter2'] },
    });
    const line = printed((logger) => {
      logger.error({ err: new Error('not delivered', { cause: reply }) }, 'failed');
    });
    expect(line).not.toContain('hunter2');
    expect(JSON.parse(line)).toMatchObject({ err: { message: 'not delivered', cause: { code: 'OOM' } } });
  });
});

test('a thrown value that is not an Error is logged as it is', () => {
  expect(describeError('gone')).toBe('gone');
});
