import { defineConfig, type UserConfig } from 'vite'

/** Builds the page into `dist/web`, which `listenPage` serves under a policy that allows no inline script. */
const config: UserConfig = defineConfig({
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Browsers that have the source text of numbers in JSON.parse.
    target: ['chrome114', 'firefox135', 'safari18.4'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    // For the list of licenses alone: the package leaves these maps out.
    sourcemap: 'hidden',
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
})
export default config
