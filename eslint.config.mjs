import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** One fence: files of a folder may not import what matches. A `regex`, since a glob `..` also catches `../x`. */
function fence(files, regex, message) {
  return {
    files,
    ignores: ['src/__tests__/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex, message }] }] }
  };
}

export default tseslint.config(
  { ignores: ['**/lib', '**/node_modules', '**/.venv', 'kaggle_lab', 'dist', 'ui-tests'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    plugins: { jupyter, 'react-hooks': reactHooks },
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname }
    }
  },
  ...jupyter.configs.recommended.filter(part => !JSON.stringify(part.files ?? '').includes('schema')),
  {
    files: ['src/**/*.{ts,tsx}'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { args: 'after-used', ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-floating-promises': 'error',
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80 }],
      'prefer-arrow-callback': 'error',
      // What is loaded eagerly is measured instead, against a budget.
      'jupyter/prefer-lazy-imports': 'off',
      // It knows neither that a tracked widget has an owner nor that a menu disposes of itself.
      'jupyter/require-disposable-transfer': 'off'
    }
  },
  fence(['src/wire.ts'], '^(?!\\./readers$)', 'wire.ts stands on nothing but its readers.'),
  fence(['src/client.ts'], '^\\.(?!/wire$)', 'client.ts knows only wire.ts.'),
  fence(
    ['src/model.ts', 'src/log-model.ts', 'src/loader.ts', 'src/job-list.ts'],
    'react',
    'The model never draws.'
  ),
  fence(
    ['src/{sidebar,log,outputs,dialogs,toolbar,status}/**', 'src/virtual-list.tsx'],
    '(/client|/model|/plugins/.*|@jupyterlab/application)$',
    'Views get the model through tokens.ts, never the client or the application.'
  ),
  fence(['src/*.{ts,tsx}'], '^@jupyterlab/application$', 'Only the plugins touch the application.'),
  {
    files: ['src/__tests__/**'],
    rules: { 'max-lines-per-function': 'off', 'jupyter/no-untranslated-string': 'off' }
  },
  prettier
);
