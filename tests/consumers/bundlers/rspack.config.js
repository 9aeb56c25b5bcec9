import { entry, external, plugins } from './settings.js'

const settings = { target: 'node20', entry: { [entry]: `./${entry}.js` }, externals: external }

export default [
  {
    ...settings,
    mode: 'production',
    externalsType: 'commonjs',
    output: { filename: '[name].cjs', path: `${import.meta.dirname}/dist` },
    plugins: await plugins('rspack'),
  },
  {
    ...settings,
    mode: 'development',
    devtool: false,
    externalsType: 'module',
    output: { filename: '[name].mjs', path: `${import.meta.dirname}/dist`, module: true },
    plugins: await plugins('rspack'),
  },
]
