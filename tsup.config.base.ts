import { defineConfig, type Options } from 'tsup'

type Config = ReturnType<typeof defineConfig>
type EsbuildPlugins = NonNullable<Options['esbuildPlugins']>

/**
 * Builds ESM, CommonJS, and types of one package, with the same settings for every package.
 *
 * The code stays readable, because Node.js prints the line that threw above an uncaught error. Source maps lead from a stack to the
 * TypeScript source.
 */
export function library(
  entry: string[],
  { esbuildPlugins = [] }: { esbuildPlugins?: EsbuildPlugins } = {},
): Config {
  return defineConfig({
    entry,
    format: ['esm', 'cjs'],
    dts: true,
    clean: true,
    sourcemap: true,
    splitting: false,
    target: 'node20',
    platform: 'node',
    shims: false,
    treeshake: false,
    esbuildPlugins,
    esbuildOptions(options) {
      // Breaks long strings, such as the source of core's worker thread.
      options.lineLimit = 160
    },
  })
}
