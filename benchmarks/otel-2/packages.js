import { fileURLToPath } from 'node:url'

/** Loads packages as they are installed in this folder, OpenTelemetry 2.x: for programs that stand elsewhere. */
export const load = (name) => import(name)

/** The file that `load` would load. */
export const resolve = (name) => fileURLToPath(import.meta.resolve(name))
