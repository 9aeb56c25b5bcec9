/*
 * Plugin for bundlers: appends a line to the entry files of the logging libraries, which attaches them in the bundle by the code that
 * attaches them in a process with the preload. The line loads everything by paths, because a library in a strict `node_modules` does
 * not see the packages of the application. Bundlers follow those paths.
 */
import { join } from 'node:path'
import { createUnplugin } from 'unplugin'
import { ENTRY_FILE, entryFile, type EntryFile } from './entryFiles.ts'
import { resolveOptional } from './packages.ts'
import { readSettings } from './settings.ts'

/** Plugin of Rollup, Rolldown, and Vite. */
export interface RollupLikePlugin {
  readonly name: string
}

/** Plugin of esbuild. */
export interface EsbuildPlugin {
  readonly name: string
  setup(build: object): void | Promise<void>
}

/** Plugin of webpack and Rspack. */
export interface WebpackLikePlugin {
  apply(compiler: object): void
}

/** Packages that the bundle gets where they are installed. */
const OPTIONAL = ['@logbridge/core', '@logbridge/console']

const plugin = createUnplugin(() => ({
  name: '@logbridge/auto',
  enforce: 'pre' as const,
  esbuild: { onLoadFilter: ENTRY_FILE },
  transform: {
    // Rollup's plugin for CommonJS rewrites the files, also where it stands first.
    order: 'pre',
    filter: { id: ENTRY_FILE },
    handler(code: string, id: string) {
      const entry = entryFile(id)
      if (entry === undefined || readSettings(process.env).disabled.has(entry.library)) return undefined
      const adapter = `@logbridge/${entry.library}`
      if (resolveOptional(adapter) === undefined) {
        if (entry.part === 'main') {
          this.warn(
            `${entry.library} records of the bundle are not sent: run npm install ${adapter}, ` +
              `or set LOGBRIDGE_DISABLED=${entry.library}`,
          )
        }
        return undefined
      }
      return { code: `${code}\n${attachingLine(entry, [adapter, ...OPTIONAL])}\n`, map: null }
    },
  },
}))

/**
 * Plugin for esbuild, which attaches adapters to the loggers in a bundle.
 *
 * @example
 * ```js
 * import { build } from 'esbuild'
 * import { esbuild as logbridge } from '@logbridge/auto/bundler'
 *
 * await build({ entryPoints: ['app.js'], bundle: true, platform: 'node', outfile: 'dist/app.cjs', plugins: [logbridge()] })
 * ```
 */
export const esbuild: () => EsbuildPlugin = plugin.esbuild

/** Plugin for Rollup, which attaches adapters to the loggers in a bundle. */
export const rollup: () => RollupLikePlugin = plugin.rollup as () => RollupLikePlugin

/** Plugin for Rolldown, which attaches adapters to the loggers in a bundle. */
export const rolldown: () => RollupLikePlugin = plugin.rolldown as () => RollupLikePlugin

/** Plugin for builds of Vite for servers (`build.ssr`), which attaches adapters to the loggers in a bundle. */
export const vite: () => RollupLikePlugin = plugin.vite as () => RollupLikePlugin

/** Plugin for webpack, which attaches adapters to the loggers in a bundle. */
export const webpack: () => WebpackLikePlugin = plugin.webpack as () => WebpackLikePlugin

/** Plugin for Rspack, which attaches adapters to the loggers in a bundle. */
export const rspack: () => WebpackLikePlugin = plugin.rspack as () => WebpackLikePlugin

/** Returns the code that attaches a library, for the end of its entry file. */
function attachingLine({ library, part }: EntryFile, packages: readonly string[]): string {
  const loaders = packages.flatMap((name) => {
    const path = resolveOptional(name)
    return path === undefined ? [] : [`${JSON.stringify(name)}: () => ${requireOf(path)}`]
  })
  // log4js has its configuration in other files, which a bundle has under other names.
  const require =
    library === 'log4js'
      ? `(id) => id === './configuration' ? require('./configuration') : require('./clustering')`
      : 'undefined'
  return (
    `;module.exports = ${requireOf(join(__dirname, 'attach.cjs'))}.attachInBundle(` +
    `{ exports: module.exports, require: ${require} }, ${JSON.stringify({ library, part })}, ` +
    `{ ${loaders.join(', ')} }, () => ${requireOf(join(__dirname, 'index.cjs'))});`
  )
}

function requireOf(path: string): string {
  return `require(${JSON.stringify(path)})`
}
