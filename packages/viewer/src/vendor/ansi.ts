/** Becomes `dist/vendor/ansi.cjs`, a separate file. */
import stringWidth from 'string-width'
import wrapAnsi from 'wrap-ansi'

export { stringWidth, wrapAnsi }
