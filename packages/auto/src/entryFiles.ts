/** Libraries whose loggers are attached. */
export type Library = 'bunyan' | 'log4js' | 'pino' | 'winston'

/** File of a library that is patched when it has been loaded. */
export interface EntryFile {
  readonly library: Library
  /** `transport` is pino's function that starts a worker thread. */
  readonly part: 'main' | 'transport'
}

const ENTRY_FILES: Readonly<Record<string, EntryFile>> = {
  'winston/lib/winston.js': { library: 'winston', part: 'main' },
  'pino/pino.js': { library: 'pino', part: 'main' },
  'pino/lib/transport.js': { library: 'pino', part: 'transport' },
  'bunyan/lib/bunyan.js': { library: 'bunyan', part: 'main' },
  'log4js/lib/log4js.js': { library: 'log4js', part: 'main' },
}
/** Tests for the name of an entry file, before {@link entryFile} compares its folder. */
export const ENTRY_FILE: RegExp = /[\\/](?:winston|pino|transport|bunyan|log4js)\.js$/
const FOLDER = /[\\/]node_modules[\\/]/g

/**
 * Returns the entry file that a path names, in any copy and version of a library. Yarn PnP keeps `node_modules` in its paths.
 */
export function entryFile(path: string): EntryFile | undefined {
  if (!ENTRY_FILE.test(path)) return undefined
  const start = path.split(FOLDER).at(-1)!
  return ENTRY_FILES[start.replaceAll('\\', '/')]
}
