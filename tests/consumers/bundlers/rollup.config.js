import commonjs from '@rollup/plugin-commonjs'
import json from '@rollup/plugin-json'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { entry, external, plugins } from './settings.js'

const output = (format, extension) => ({
  format,
  dir: 'dist',
  entryFileNames: `[name].${extension}`,
  chunkFileNames: `[name]-[hash].${extension}`,
})

export default {
  input: `${entry}.js`,
  external,
  plugins: [nodeResolve({ exportConditions: ['node'] }), commonjs(), json(), ...(await plugins('rollup'))],
  output: [output('es', 'mjs'), output('cjs', 'cjs')],
}
