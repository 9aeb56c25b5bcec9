import commonjs from '@rollup/plugin-commonjs'
import json from '@rollup/plugin-json'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { entry, external } from './settings.js'

const output = (format, extension) => ({
  format,
  dir: 'dist',
  entryFileNames: `[name].${extension}`,
  chunkFileNames: `[name]-[hash].${extension}`,
})

export default {
  input: `${entry}.js`,
  external,
  plugins: [nodeResolve({ exportConditions: ['node'] }), commonjs(), json()],
  output: [output('es', 'mjs'), output('cjs', 'cjs')],
}
