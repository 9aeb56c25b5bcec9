import { library } from '../../tsup.config.base.ts'

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
    // node:sqlite has no name without its prefix.
    removeNodeProtocol: false,
    esbuildOptions(esbuild) {
      esbuild.lineLimit = 160
      // The source maps name lines of files that they do not contain, because re2js would double the package.
      esbuild.sourcesContent = false
    },
  },
)
