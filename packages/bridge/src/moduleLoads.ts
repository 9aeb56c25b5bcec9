/*
 * Loads of CommonJS modules. This entry point loads nothing else, because the preload of `@logbridge/auto` needs it in each process.
 */
import Module from 'node:module'

/** Watch of the loads of some files. */
interface LoadWatch {
  matches(filename: string): boolean
  onLoad(module: Module, filename: string): void
}

/** Watches of this thread, which all copies of this module share. */
const WATCHES = Symbol.for('logbridge.moduleLoads.1')
const processWide = globalThis as { [WATCHES]?: LoadWatch[] }

/**
 * Calls a function for each file that CommonJS has loaded from now on, for `require` and for `import`, before anybody gets its exports.
 *
 * Node.js assigns `module.loaded` in the constructor of a module and after its load. A setter of `Module.prototype` gets the first
 * assignment, because a wrapped function of the loader would stand in the stack of each error of a module.
 *
 * @param matches chooses files by their paths
 */
export function onModuleLoad(matches: LoadWatch['matches'], onLoad: LoadWatch['onLoad']): void {
  if (processWide[WATCHES]) return void processWide[WATCHES].push({ matches, onLoad })
  const watches: LoadWatch[] = [{ matches, onLoad }]
  processWide[WATCHES] = watches
  Object.defineProperty(Module.prototype, 'loaded', {
    configurable: true,
    set(this: Module, value: boolean) {
      // An object that inherits from a module by other means than the constructor may have no id.
      const filename = typeof this.id === 'string' ? withoutQuery(this.id) : ''
      const matching = watches.filter((watch) => watch.matches(filename))
      if (matching.length === 0) setLoaded(this, value)
      else callWhenLoaded(this, filename, matching)
    },
  })
}

function callWhenLoaded(module: Module, filename: string, watches: readonly LoadWatch[]): void {
  Object.defineProperty(module, 'loaded', {
    configurable: true,
    enumerable: true,
    get: () => false,
    set(value: boolean) {
      setLoaded(module, value)
      if (value) for (const { onLoad } of watches) onLoad(module, filename)
    },
  })
}

/** Gives a module the property that it has without this package. */
function setLoaded(module: Module, value: boolean): void {
  Object.defineProperty(module, 'loaded', { configurable: true, enumerable: true, value, writable: true })
}

/** Removes the query by which tsx keeps the modules of each `tsImport` apart. */
function withoutQuery(id: string): string {
  const at = id.indexOf('?')
  return at < 0 ? id : id.slice(0, at)
}
