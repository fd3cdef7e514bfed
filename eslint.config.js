import { createNodeResolver, flatConfigs, importX } from 'eslint-plugin-import-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Who may not import whom: `target` is the one that imports. */
const zones = [
  {
    target: './workflows',
    from: './src',
    except: ['./domain'],
    message: 'Workflow code is bundled and replayed: it imports domain, and activities as types.',
  },
  {
    target: './src/api',
    from: ['./activities', './src/kubernetes'],
    message: 'The API starts workflows and reads the database; it does not do their work.',
  },
  {
    target: ['./src/db', './src/kubernetes', './src/redis', './src/auth'],
    from: ['./activities', './workflows', './src/api'],
    except: ['./job-messages.ts'],
    message: 'What speaks to one system does not know who asks it to.',
  },
  { target: './activities', from: ['./src/api'], message: 'Activities work for workflows, not for requests.' },
  {
    target: ['./workflows', './activities', './src/!(engines)/**/*', './src/*'],
    from: './engines',
    message: 'The engines are for development and tests.',
  },
  {
    target: ['./workflows', './activities', './src/!(engines|provider-agent)/**/*', './src/*'],
    from: './src/provider-agent',
    message: 'The broker knows what runs on the machines of providers by the wire only.',
  },
  {
    target: './src/provider-agent',
    from: ['./workflows', './activities', './src/api', './src/db', './src/kubernetes', './src/temporal'],
    message: 'What runs on the machine of a provider reaches the broker by the wire only.',
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
    rules: nothingBut('(zod|\\./[\\w-]+\\.js)', 'The domain imports nothing but itself and zod.'),
  },
  {
    files: ['workflows/**'],
    rules: nothingBut(
      '(@temporalio/(workflow|common)|\\./[\\w-]+\\.js|\\.\\./src/domain/[\\w-]+\\.js)',
      'Workflow code is bundled and replayed: it imports domain, and activities as types.',
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
