// Each part of the work of a ValueWriter is charged to one budget, `MAX_VALUES`. The unit is one value.

/** Greatest depth of a value. Deeper values are written as the empty value. */
export const MAX_DEPTH = 64
/** Binary logarithm of the UTF-16 units, or bytes, that cost one value: at most 8 Mi are written in all. */
export const UNITS_SHIFT = 7
/** Cost of a Proxy, in values, because each read may run code of the application. */
export const PROXY_COST = 16
/** Cost of an Error, because V8 makes the text of the stack at the first read. */
export const ERROR_COST = 24
/** Additional costs, in values. */
export const DATE_COST = 2
export const BIGINT_COST = 1
export const PROTOTYPE_COST = 1
/** Additional cost of a call of `util.inspect.custom`, because its arguments are made for the call. */
export const INSPECT_COST = 4
/** Longest chain of objects that `util.inspect.custom` returns. */
export const MAX_SHOWN_BY = 8
/** Objects of a record whose hidden keys are free at the first listing. */
export const FREE_LISTINGS = 16
export const OBJECT_KEY_COST = 4
export const RENAMED_KEY_COST = 6
/** Largest number of unread fields that is counted. */
export const MAX_COUNTED = 10_000
/** Budget of a Map's key that is an object, in values. */
export const MAX_KEY_VALUES = 64
