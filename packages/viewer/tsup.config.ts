import { globSync } from 'node:fs'
import { basename } from 'node:path'
import type { Options } from 'tsup'
import { library } from '../../tsup.config.base.ts'

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * Puts the dependencies into separate files, which the ES modules and the CommonJS modules share. These files are minified and have no
 * source maps, which keeps the package small: docs/decisions/17-bundled-dependencies.md.
 */
const vendor: EsbuildPlugin = {
  name: 'vendor',
  async setup({ esbuild, onResolve }) {
    onResolve({ filter: /\/vendor\/\w+\.ts$/ }, ({ path }) => ({
      path: `./vendor/${basename(path, '.ts')}.cjs`,
      external: true,
    }))
    await esbuild.build({
      entryPoints: globSync('src/vendor/*.ts'),
      outdir: 'dist/vendor',
      outExtension: { '.js': '.cjs' },
      bundle: true,
      minify: true,
      lineLimit: 160,
      platform: 'node',
      format: 'cjs',
      target: 'node22',
      // For the list of licenses alone: the package leaves these maps out.
      sourcemap: 'external',
      sourcesContent: false,
      plugins: [noProtoLoader],
    })
  },
}

/** Leaves out the loader of .proto files, which the admin services of grpc-js load when they are used. */
const noProtoLoader: EsbuildPlugin = {
  name: 'no-proto-loader',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ path }) => ({ path, namespace: 'left-out' }))
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: '' }))
  },
}

export default library(
  {
    index: 'src/index.ts',
    client: 'src/client.ts',
    cli: 'src/cli.ts',
    command: 'src/command.ts',
    // Threads of the store, which are loaded from beside the command.
    writerThread: 'src/store/writerThread.ts',
    readerThread: 'src/store/readerThread.ts',
  },
  {
    // Node.js loads the command after `cli.ts` has checked its version.
    external: ['./command.js'],
    esbuildPlugins: [vendor],
    // node:sqlite has no name without its prefix.
    removeNodeProtocol: false,
    esbuildOptions(esbuild) {
      esbuild.lineLimit = 160
      // The source maps name lines of files that they do not contain, which keeps the package small.
      esbuild.sourcesContent = false
    },
  },
)
