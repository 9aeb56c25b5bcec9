import { build } from 'esbuild'
import { entry, external, plugins } from './settings.js'

const settings = {
  entryPoints: [`${entry}.js`],
  bundle: true,
  platform: 'node',
  target: 'node20',
  // dtrace-provider is optional for bunyan.
  external: [...external, 'dtrace-provider'],
  plugins: await plugins('esbuild'),
}

await build({ ...settings, format: 'cjs', outfile: `dist/${entry}.cjs` })
await build({
  ...settings,
  format: 'esm',
  outfile: `dist/${entry}.mjs`,
  minify: true,
  // CommonJS packages in an ES module (grpc-js, the loggers) need `require` for built-in modules.
  banner: {
    js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
  },
})
