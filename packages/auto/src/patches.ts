/** Objects of libraries that are patched. */
const patched = new WeakSet<object>()

/**
 * Notes that an object of a library is patched. An application may remove the entry file of a library from `require.cache` and load the
 * file again, which gets the other files of the library, and their objects, from the cache.
 *
 * @returns `false` when the object is patched already
 */
export function isFirstPatch(object: object): boolean {
  if (patched.has(object)) return false
  patched.add(object)
  return true
}

/**
 * Runs a function once, when a constructor assigns a property of its first instance. A wrapped method of the library would stand in the
 * stack of each error that the method throws, and a getter in place of the method could not be spied on.
 *
 * @param prototype object that is left as it was by the first assignment
 * @param name property that the prototype does not have
 */
export function onFirstInstance(prototype: object, name: string, run: () => void): void {
  Object.defineProperty(prototype, name, {
    configurable: true,
    set(this: object, value: unknown) {
      Reflect.deleteProperty(prototype, name)
      Object.assign(this, { [name]: value })
      run()
    },
  })
}
