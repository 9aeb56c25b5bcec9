import { entry, external } from './settings.js'

export default {
  ssr: { noExternal: true, external },
  build: {
    ssr: `${entry}.js`,
    outDir: 'dist',
    rollupOptions: { output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' } },
  },
}
