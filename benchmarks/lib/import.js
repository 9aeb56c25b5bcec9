/**
 * Child process that imports packages, one after the other: `import.js PACKAGE...`. Sends `millis`, the time of all imports.
 */
const packages = process.argv.slice(2)
const start = performance.now()
for (const name of packages) await import(name)
process.send({ millis: performance.now() - start })
process.disconnect()
