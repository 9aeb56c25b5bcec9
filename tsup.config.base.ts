import { defineConfig, type Options } from 'tsup'

type Config = ReturnType<typeof defineConfig>

/**
 * Builds ESM, CommonJS, and types of one package, with the same settings for every package.
 *
 * The code stays readable, because Node.js prints the line that threw above an uncaught error. Source maps lead from a stack to the
 * TypeScript source.
 *
 * @param options settings that the package adds
 */
export function library(entry: string[] | Record<string, string>, options: Options = {}): Config {
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
    esbuildOptions(esbuild) {
      // Breaks long strings, such as the source of core's worker thread.
      esbuild.lineLimit = 160
    },
    ...options,
  })
}
