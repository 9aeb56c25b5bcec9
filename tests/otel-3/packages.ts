import { createRequire } from 'node:module'

/** Loads a package as installed in this folder. */
export const load: Record<'import' | 'require', (name: string) => any> = {
  import: (name) => import(name),
  require: createRequire(import.meta.url),
}
