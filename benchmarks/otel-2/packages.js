import { fileURLToPath } from 'node:url'

/** Imports a package as installed in this folder, with OpenTelemetry 2.x. */
export const load = (name) => import(name)

/** Returns the path of the file that `load` imports. */
export const resolve = (name) => fileURLToPath(import.meta.resolve(name))
