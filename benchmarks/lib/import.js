/**
 * A process of its own that imports packages, one after the other: `import.js PACKAGE...`. Tells its parent the `millis`
 * that all of them took.
 */
const packages = process.argv.slice(2)
const start = performance.now()
for (const name of packages) await import(name)
process.send({ millis: performance.now() - start })
process.disconnect()
