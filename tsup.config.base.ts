import { defineConfig } from 'tsup'

type Config = ReturnType<typeof defineConfig>

/** ESM, CommonJS and types of one package: the same settings for all of them. */
export function library(entry: string[]): Config {
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
    // Adapters are to stay small, and each is there twice. CommonJS keeps its line breaks: tools find its exports by them.
    esbuildOptions(options, { format }) {
      options.minifySyntax = true
      options.minifyWhitespace = format === 'esm'
      // Node prints the whole line that threw above an uncaught error: a file in one line would bury the message.
      options.lineLimit = 160
    },
  })
}
