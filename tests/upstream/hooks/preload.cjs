/* oxlint-disable no-underscore-dangle -- Node.js names its method so */
// Loaded by `--require` before each file of a suite, in its child processes and worker threads as well. Attaches a destination to
// every logger: it passes the exports of the library's factory to the hook of the library.
const { Module, createRequire } = require('node:module')
const { join } = require('node:path')

const { UPSTREAM_LIBRARY: library, UPSTREAM_FOLDER: folder, UPSTREAM_FACTORY: factory } = process.env
const factoryFile = join(folder, factory)

globalThis.attachUpstream = require(join(__dirname, `${library}.cjs`))

function withHook(source, file) {
  return file === factoryFile ? `${source}\nmodule.exports = attachUpstream(module.exports)\n` : source
}

const { _compile } = Module.prototype
Module.prototype._compile = function (source, file, ...others) {
  return Reflect.apply(_compile, this, [withHook(source, file), file, ...others])
}

// log4js's tests load most files by sandboxed-module, which compiles them itself, with a copy of the global variables.
if (library === 'log4js') {
  createRequire(factoryFile)('@log4js-node/sandboxed-module').configure({
    sourceTransformers: {
      upstream(source) {
        return withHook(source, this.filename)
      },
    },
  })
}
