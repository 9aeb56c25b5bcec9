/**
 * Runs a function before each call of a method. The method is a getter that returns the method of the library, because a wrapped
 * method would stand in the stack of each error that the method throws.
 *
 * @param prototype holder of the method; an instance may replace the method
 */
export function beforeCalls<Instance extends object>(
  prototype: Instance,
  name: keyof Instance,
  run: (instance: Instance) => void,
): void {
  const method = prototype[name]
  Object.defineProperty(prototype, name, {
    configurable: true,
    enumerable: Object.prototype.propertyIsEnumerable.call(prototype, name),
    get(this: Instance) {
      run(this)
      return method
    },
    set(this: Instance, value: unknown) {
      Object.defineProperty(this, name, { configurable: true, enumerable: true, value, writable: true })
    },
  })
}
