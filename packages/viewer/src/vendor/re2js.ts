/** Becomes `dist/vendor/re2js.cjs`, a separate file. */
export { RE2JS, RE2JSException } from 're2js'
