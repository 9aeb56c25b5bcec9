import { entry, external, plugins } from './settings.js'

export default {
  plugins: await plugins('vite'),
  ssr: { noExternal: true, external },
  build: {
    ssr: `${entry}.js`,
    outDir: 'dist',
    rollupOptions: { output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' } },
  },
}
