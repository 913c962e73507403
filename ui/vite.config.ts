import { fileURLToPath } from 'node:url';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';
import type { Plugin } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Has the page fetch what its script will import while it still fetches the script. */
const preloadImports: Plugin = {
  name: 'preload-imports',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler: (_, { chunk, bundle }) =>
      (chunk?.dynamicImports ?? []).flatMap((name) => {
        const imported = bundle?.[name];
        const needs = imported?.type === 'chunk' ? imported.imports : [];
        return [name, ...needs]
          .filter((file) => file !== chunk?.fileName && !chunk?.imports.includes(file))
          .map((file) => ({
            tag: 'link',
            attrs: { rel: 'modulepreload', crossorigin: true, href: `/${file}` },
          }));
      }),
  },
};

/** `--mode hub` builds the page that a hub serves at /insights and /queue, into a folder of its own. */
const HUB = 'hub';

export default defineConfig(({ mode }) => ({
  ...(mode === HUB ? { root: here('./hub'), base: '/insights/' } : {}),
  plugins: [
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/paraglide',
      // The language is a setting that the session applies; nothing is read from cookies or addresses.
      strategy: ['globalVariable', 'baseLocale'],
      emitReadme: false,
    }),
    svelte(),
    preloadImports,
    ...(mode === 'test' ? [svelteTesting()] : []),
  ],
  resolve: {
    alias: {
      $lib: here('./src/lib'),
      $messages: here('./src/paraglide/messages.js'),
      $locale: here('./src/paraglide/runtime.js'),
      $fixtures: here('./fixtures'),
    },
  },
  clearScreen: false,
  server: { port: 1420, strictPort: true },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // One sheet, named in the page: nothing is drawn before it is there.
    cssCodeSplit: false,
    // The content security policy has no `data:`: every asset stays a file.
    assetsInlineLimit: 0,
    // The hub's routes are a table: its files lie in one folder.
    assetsDir: mode === HUB ? '' : 'assets',
    modulePreload: { polyfill: false },
    // WebKitGTK 2.40 and macOS 13 are the oldest webviews we meet.
    target: 'safari16',
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts', 'fixtures/**/*.test.ts'],
    setupFiles: ['./fixtures/setup.ts'],
    restoreMocks: true,
    // Two cores shared with a Rust build can be slow; no test waits for time to pass.
    testTimeout: 30_000,
    env: { TZ: 'Europe/Berlin' },
  },
}));
