import { createNodeResolver, flatConfigs, importX } from 'eslint-plugin-import-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Forbidden imports: files in `target` may not import from `from`. */
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
    message: 'The API starts workflows and reads the database; it does not do the work of activities.',
  },
  {
    target: [
      './src/db',
      './src/kubernetes',
      './src/redis',
      './src/auth',
      './src/billing',
      './src/chain',
      './src/registry',
      './src/ssh',
    ],
    from: ['./activities', './workflows', './src/api', './src/roles'],
    except: ['./job-messages.ts'],
    message: 'A room for one system does not know its callers.',
  },
  {
    target: ['./src/kubernetes', './src/redis', './src/registry', './src/ssh'],
    from: ['./src/db', './src/temporal'],
    message: 'These rooms know one system each; only a role combines several.',
  },
  {
    target: './activities',
    from: ['./src/api', './src/roles'],
    message: 'Activities work for workflows, not for requests or processes.',
  },
  {
    target: ['./workflows', './activities', './src'],
    from: './engines',
    message: 'The engines are for development and tests; the production image does not contain them.',
  },
  {
    target: ['./workflows', './activities', './src/!(provider-agent|client|cli|words|guardian)/**/*', './src/*'],
    from: ['./src/provider-agent', './src/client', './src/cli', './src/words', './src/guardian'],
    message: 'The broker talks to programs on other machines over the wire only.',
  },
  {
    target: ['./src/provider-agent', './src/client', './src/cli', './src/words'],
    from: [
      './workflows',
      './activities',
      ...['api', 'billing', 'db', 'kubernetes', 'registry', 'roles', 'temporal'].map((room) => `./src/${room}`),
    ],
    message: 'Programs on other machines talk to the broker over the wire only.',
  },
  {
    target: ['./src/provider-agent', './src/client', './src/cli', './src/words'],
    from: './src/redis',
    except: ['./connection.ts'],
    message: 'An agent shares only the connection to Redis with the broker.',
  },
  {
    target: ['./src/provider-agent', './src/client', './src/cli', './src/words'],
    from: './src/auth',
    except: ['./recover.ts'],
    message: 'What both ends sign and verify belongs in src/wire.',
  },
  {
    target: './src/guardian',
    from: [
      './workflows',
      './activities',
      ...['api', 'billing', 'cli', 'db', 'kubernetes', 'provider-agent', 'redis', 'roles', 'temporal', 'words'].map(
        (room) => `./src/${room}`,
      ),
    ],
    message:
      'A guardian mistrusts its broker: it reads the chain by itself, and talks to the broker over the wire only.',
  },
  {
    target: './src/guardian',
    from: './src/auth',
    except: ['./recover.ts'],
    message: 'What both ends sign and verify belongs in src/wire.',
  },
  {
    target: './console',
    from: ['./src', './workflows', './activities', './engines'],
    except: ['./wire', './client', './words'],
    message: 'The console runs in browsers, and talks to the broker through its client.',
  },
  {
    target: ['./workflows', './activities', './src'],
    from: ['./console', './scripts'],
    message: 'Pages are made by the build; the broker reads what was made.',
  },
  {
    target: './src/client',
    from: './src',
    except: ['./client', './wire'],
    message: 'The client is published by itself: it imports only itself and wire.',
  },
  {
    target: ['./workflows', './activities', './src'],
    from: './src/main.ts',
    message: 'main builds everything, and nothing imports main.',
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
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked, flatConfigs.typescript],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true } },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.tsx', '.js'] } })],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Functions create our objects, which have no `this`, so callers may destructure them.
      '@typescript-eslint/unbound-method': 'off',
      // Many functions are async only because an interface requires a promise.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
    },
  },
  {
    files: ['src/domain/**'],
    rules: nothingBut(
      '(zod|\\./[\\w-]+\\.js|\\.\\./wire/[\\w-]+\\.js)',
      'The domain imports only itself, wire and zod.',
    ),
  },
  {
    files: ['src/wire/**'],
    rules: nothingBut(
      '(zod|viem|node:crypto|\\./[\\w-]+\\.js)',
      'The contract between both ends of a connection imports neither end.',
    ),
  },
  {
    files: ['src/client/**'],
    ignores: ['src/client/node.ts', 'src/client/node/**'],
    rules: nothingBut(
      '(viem(/accounts)?|@noble/curves/secp256k1|\\./[\\w.-]+\\.js|\\.\\./wire/[\\w-]+\\.js)',
      'The client runs in browsers, too, and is published: it imports only itself and wire.',
    ),
  },
  {
    files: ['src/words/**'],
    rules: nothingBut(
      '(\\./[\\w-]+\\.js|\\.\\./(client|domain|wire)/[\\w.-]+\\.js)',
      'What people read is the same in a terminal and in a browser: words are pure.',
    ),
  },
  {
    files: ['src/client/node.ts', 'src/client/node/**'],
    rules: nothingBut(
      '(viem(/accounts)?|node:[\\w/]+|\\.\\.?/[\\w./-]+\\.js|(\\.\\./)+wire/[\\w-]+\\.js)',
      'The client is published: it imports only itself and wire.',
    ),
  },
  {
    files: ['console/**'],
    rules: {
      ...nothingBut(
        '(preact(/hooks|/jsx-runtime)?|@preact/signals|uplot|viem|\\.\\.?/[\\w./-]+\\.js)',
        'The console asks nobody but its broker, and weighs what it takes along: see decision 0021.',
      ),
      'no-restricted-syntax': [
        'error',
        {
          selector: 'JSXAttribute[name.name=/^(dangerouslySetInnerHTML|innerHTML|srcDoc)$/]',
          message: 'Text becomes HTML nowhere: a stranger may have written it.',
        },
        {
          selector: 'JSXAttribute[name.name="style"] > Literal',
          message: 'Styles are classes; what is computed is an object of figures.',
        },
        {
          selector:
            'JSXAttribute[name.name="style"] > JSXExpressionContainer >:matches(TemplateLiteral, BinaryExpression, CallExpression)',
          message: 'A style made of text may be made of a stranger’s text: give an object of figures.',
        },
        {
          selector: 'AssignmentExpression > MemberExpression.left[property.name=/^(innerHTML|outerHTML|srcdoc)$/]',
          message: 'Text becomes HTML nowhere: a stranger may have written it.',
        },
      ],
    },
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
      // Tests compare what they read from a reply, so a wrong shape fails there.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
);
