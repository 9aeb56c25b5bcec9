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

export default library(['src/index.ts'], { esbuildPlugins: [exitWorker] })
