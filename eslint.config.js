import { createNodeResolver, flatConfigs, importX } from 'eslint-plugin-import-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Who may not import whom: `target` is the one that imports. */
const zones = [
  {
    target: './workflows',
    from: './src',
    except: ['./domain', './wire'],
    message: 'Workflow code is bundled and replayed: it imports domain and wire, and activities as types.',
  },
  {
    target: './src/api',
    from: ['./activities', './src/kubernetes'],
    message: 'The API starts workflows and reads the database; it does not do their work.',
  },
  {
    target: ['./src/db', './src/kubernetes', './src/redis', './src/auth', './src/billing'],
    from: ['./activities', './workflows', './src/api', './src/roles'],
    except: ['./job-messages.ts'],
    message: 'What speaks to one system does not know who asks it to.',
  },
  {
    target: ['./src/kubernetes', './src/redis'],
    from: ['./src/db', './src/temporal'],
    message: 'These know one system each: a role joins several.',
  },
  {
    target: './activities',
    from: ['./src/api', './src/roles'],
    message: 'Activities work for workflows, not for requests or processes.',
  },
  {
    target: ['./workflows', './activities', './src'],
    from: './engines',
    message: 'The engines are for development and tests, and the production image has none of them.',
  },
  {
    target: ['./workflows', './activities', './src/!(provider-agent|client|cli)/**/*', './src/*'],
    from: ['./src/provider-agent', './src/client', './src/cli'],
    message: 'The broker knows what runs on the machines of others by the wire only.',
  },
  {
    target: ['./src/provider-agent', './src/client', './src/cli'],
    from: [
      './workflows',
      './activities',
      ...['api', 'billing', 'db', 'kubernetes', 'roles', 'temporal'].map((room) => `./src/${room}`),
    ],
    message: 'What runs on the machines of others reaches the broker by the wire only.',
  },
  {
    target: ['./src/provider-agent', './src/client', './src/cli'],
    from: './src/redis',
    except: ['./connection.ts'],
    message: 'An agent connects to Redis as the broker does, and shares nothing else with it there.',
  },
  {
    target: ['./src/provider-agent', './src/client', './src/cli'],
    from: './src/auth',
    except: ['./recover.ts'],
    message: 'What both ends sign and check stands in wire.',
  },
  {
    target: ['./workflows', './activities', './src'],
    from: './src/main.ts',
    message: 'main builds everything, and nobody imports main.',
  },
];

const nothingBut = (regex, message, options = {}) => ({
  '@typescript-eslint/no-restricted-imports': [
    'error',
    { patterns: [{ regex: `^(?!${regex}$)`, message, ...options }] },
  ],
});

export default defineConfig(
  globalIgnores(['dist/', '.data/', 'coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, flatConfigs.typescript],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true } },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Objects are made by functions and have no `this`; whoever gets one takes out of it what it uses.
      '@typescript-eslint/unbound-method': 'off',
      // Many functions are async because their caller awaits any of several of them.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['src/domain/**'],
    rules: nothingBut(
      '(zod|\\./[\\w-]+\\.js|\\.\\./wire/[\\w-]+\\.js)',
      'The domain imports nothing but itself, wire and zod.',
    ),
  },
  {
    files: ['src/wire/**'],
    rules: nothingBut(
      '(zod|viem|node:crypto|\\./[\\w-]+\\.js)',
      'What both ends of a connection agree on imports nothing of either.',
    ),
  },
  {
    files: ['workflows/**'],
    rules: nothingBut(
      '(@temporalio/(workflow|common)|\\./[\\w-]+\\.js|\\.\\./src/(domain|wire)/[\\w-]+\\.js)',
      'Workflow code is bundled and replayed: it imports domain and wire, and activities as types.',
      { allowTypeImports: true },
    ),
  },
  {
    files: ['test/**'],
    rules: {
      // What a test reads of an answer it goes on to compare: a wrong shape fails there.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
