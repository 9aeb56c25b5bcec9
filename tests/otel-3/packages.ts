import { createRequire } from 'node:module'

/** Loads packages as they are installed in this folder: for programs that stand elsewhere. */
export const load: Record<'import' | 'require', (name: string) => any> = {
  import: (name) => import(name),
  require: createRequire(import.meta.url),
}
