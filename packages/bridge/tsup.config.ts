import type { Options } from 'tsup'
import { library } from '../../tsup.config.base.ts'

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * Keeps the import of `internal.ts` in the other entry points, so that a class such as LogbridgeError is the same class in each of them.
 */
const sharedInternals: EsbuildPlugin = {
  name: 'shared-internals',
  setup({ initialOptions, onResolve }) {
    const path = `./internal.${initialOptions.format === 'cjs' ? 'cjs' : 'js'}`
    onResolve({ filter: /^\.\/internal\.ts$/ }, () => ({ path, external: true }))
  },
}

export default library(
  [
    'src/index.ts',
    'src/internal.ts',
    'src/conformance.ts',
    'src/testing.ts',
    'src/exitListeners.ts',
    'src/moduleLoads.ts',
    'src/threads.ts',
  ],
  {
    esbuildPlugins: [sharedInternals],
  },
)
