import * as api from '@opentelemetry/api'
import type { Options } from 'tsup'
import { library } from '../../tsup.config.base.ts'

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * Puts the worker thread of an exit flush into the package as text: bundlers and single executables carry a text along,
 * a file beside the package they do not.
 */
const exitWorker: EsbuildPlugin = {
  name: 'exit-worker',
  setup({ esbuild, initialOptions }) {
    const { outputFiles } = esbuild.buildSync({
      entryPoints: ['src/transport/exitFlush/worker.ts'],
      bundle: true,
      write: false,
      minify: true,
      platform: 'node',
      format: 'cjs',
      target: 'node22',
    })
    initialOptions.define = {
      ...initialOptions.define,
      EXIT_WORKER_SOURCE: JSON.stringify(outputFiles[0].text.trim()),
    }
  },
}

/**
 * Loads `node:http` without its exports of undici. An ES module that imports `node:http` reads every export, among them `WebSocket`,
 * which loads undici: 30 ms instead of 3 (`pnpm bench start`).
 */
const httpWithoutUndici: EsbuildPlugin = {
  name: 'http-without-undici',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'http', namespace: 'builtin' }))
    onLoad({ filter: /^http$/, namespace: 'builtin' }, () => ({
      contents: "module.exports = process.getBuiltinModule?.('node:http') ?? {}",
    }))
  },
}

/**
 * Checks the version of `@opentelemetry/api` before the package runs. An ES module that imports a name which an older API lacks fails
 * without a hint at the cause: `does not provide an export named 'SeverityNumber'`.
 */
const checkedApi: EsbuildPlugin = {
  name: 'checked-api',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@opentelemetry\/api$/ }, ({ path, namespace }) =>
      namespace === 'checked' ? { path, external: true } : { path, namespace: 'checked' },
    )
    onLoad({ filter: /.*/, namespace: 'checked' }, () => ({
      resolveDir: import.meta.dirname,
      contents: [
        `import * as api from '@opentelemetry/api'`,
        `import { requireApi } from './src/requireApi.ts'`,
        `requireApi(api)`,
        ...Object.keys(api).map((name) => (name === 'default' ? '' : `export const ${name} = api.${name}`)),
      ].join('\n'),
    }))
  },
}

/** Packages of the official SDK, which become part of this package: docs/decisions/10-bundled-sdk.md, `pnpm bench start`. */
const SDK = /^@opentelemetry\/(?!api-logs)/

export default library(['src/index.ts'], {
  esbuildPlugins: [exitWorker, httpWithoutUndici, checkedApi],
  noExternal: [SDK],
  // Otherwise tsup resolves `node:http` before the plugin does.
  removeNodeProtocol: false,
})
