import { defineConfig, type Options } from 'tsup'

type Config = ReturnType<typeof defineConfig>
type EsbuildPlugins = NonNullable<Options['esbuildPlugins']>

/**
 * ESM, CommonJS and types of one package: the same settings for all of them.
 * @param options.small for an adapter that would have more than its 60,000 bytes: white space goes from CommonJS as well, and
 * ESM keeps the names of exports alone
 */
export function library(
  entry: string[],
  { small = false, esbuildPlugins = [] }: { small?: boolean; esbuildPlugins?: EsbuildPlugins } = {},
): Config {
  return defineConfig({
    entry,
    format: ['esm', 'cjs'],
    dts: true,
    clean: true,
    sourcemap: false,
    splitting: false,
    target: 'node20',
    platform: 'node',
    shims: false,
    treeshake: false,
    esbuildPlugins,
    // CommonJS keeps its line breaks also where it is small: tools find its exports by them.
    esbuildOptions(options, { format }) {
      options.minifySyntax = true
      options.minifyWhitespace = small
      options.minifyIdentifiers = small && format === 'esm'
      // Node prints the whole line that threw above an uncaught error: a long line would bury the message.
      options.lineLimit = 160
    },
    // Where are-the-types-wrong looks for the exports of CommonJS.
    plugins: [
      {
        name: 'exports',
        renderChunk: (code) => ({ code: code.replace(/(?<=[;}])__export\(/, '\n__export(') }),
      },
    ],
  })
}
