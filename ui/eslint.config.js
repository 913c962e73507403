import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** The arrows between layers: contract ← platform, contract ← shared ← features ← App. Each ban says why. */
const tauri = {
  regex: '^@tauri-apps/',
  message: 'Only src/lib/platform talks to Tauri: everything else must run without a desktop.',
};
const features = {
  regex: '^\\$lib/features/',
  message: 'This layer lies below the features; take what you need as a parameter.',
};
const otherFeatures = {
  regex: '^\\$lib/features/(?!app/)',
  message: 'Features do not know each other; move what both need to shared.',
};
const platform = {
  regex: '^\\$lib/platform/',
  message: 'Shared parts call nothing; take a callback.',
};
const parents = {
  regex: '^\\.\\./',
  message: 'Name the layer ($lib/…) so that the arrow can be seen.',
};
const layer = (files, patterns) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns }] } });

export default ts.config(
  {
    ignores: [
      'dist/',
      'hub/dist/',
      'build/',
      'node_modules/',
      'src/paraglide/',
      'src/lib/contract/generated/',
    ],
  },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  prettier,
  ...svelte.configs.prettier,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      'svelte/no-at-html-tags': 'error',
      // A literal style attribute is blocked by the content security policy; `style:` directives are not.
      'no-restricted-syntax': [
        'error',
        { selector: 'SvelteAttribute[key.name="style"]', message: 'Use a class, or a style: directive.' },
      ],
      'svelte/require-each-key': 'error',
      'no-console': 'error',
      eqeqeq: 'error',
      // {' '} is how a space between two inline elements survives the formatter.
      'svelte/no-useless-mustaches': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig },
    },
  },
  {
    files: ['*.config.{js,ts}', 'a11y/*.mjs', 'e2e/*.mjs'],
    languageOptions: { globals: { ...globals.node } },
    rules: { 'no-console': 'off' },
  },
  layer(['src/**', 'fixtures/**', 'a11y/**', 'hub/**'], [tauri]),
  layer(['src/lib/platform/**'], [features, parents]),
  layer(['src/lib/contract/**'], [tauri, features, platform, parents]),
  layer(['src/lib/shared/**'], [tauri, features, platform, parents]),
  layer(['src/lib/features/**'], [tauri, otherFeatures, parents]),
);
