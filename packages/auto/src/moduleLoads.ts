import Module from 'node:module'
import { type EntryFile, entryFile } from './entryFiles.ts'

type Attach = (module: Module, entry: EntryFile) => void

/**
 * Calls a function for each entry file that CommonJS has loaded, for `require` and for `import`. All libraries are CommonJS.
 *
 * Node.js assigns `module.loaded` in the constructor of a module and after its load. A setter of `Module.prototype` gets the first
 * assignment, because a wrapped function of the loader would stand in the stack of each error of a module.
 */
export function onEntryFileLoaded(attach: Attach): void {
  Object.defineProperty(Module.prototype, 'loaded', {
    configurable: true,
    set(this: Module, value: boolean) {
      const entry = entryFile(withoutQuery(this.id))
      if (entry === undefined) setLoaded(this, value)
      else attachWhenLoaded(this, entry, attach)
    },
  })
}

function attachWhenLoaded(module: Module, entry: EntryFile, attach: Attach): void {
  Object.defineProperty(module, 'loaded', {
    configurable: true,
    enumerable: true,
    get: () => false,
    set(value: boolean) {
      setLoaded(module, value)
      if (value) attach(module, entry)
    },
  })
}

/** Removes the query by which tsx keeps the modules of each `tsImport` apart. */
function withoutQuery(id: string): string {
  const at = id.indexOf('?')
  return at < 0 ? id : id.slice(0, at)
}

/** Gives a module the property that it has without this package. */
function setLoaded(module: Module, value: boolean): void {
  Object.defineProperty(module, 'loaded', { configurable: true, enumerable: true, value, writable: true })
}
