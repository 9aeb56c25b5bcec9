/** Names that both HTTP and gRPC metadata carry. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/
/** Values that both HTTP and gRPC metadata carry. */
const VALUE = /^[\x20-\x7e]*$/
/** Headers of a connection, which HTTP/2 refuses in a request. https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2 */
const CONNECTION_HEADER = /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/i

/**
 * Checks the headers of a request.
 *
 * @returns the first problem, in words that repeat no value of a header; `undefined` for valid headers
 */
export function validateHeaders(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return 'not an object'
  // A Map or a Headers object has no own entries: no header would be sent, without any warning.
  if (Symbol.iterator in headers) return 'not a plain object'
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name) || name.endsWith('-bin')) return 'a name that cannot be sent'
    if (CONNECTION_HEADER.test(name)) return `${name}, which belongs to the connection`
    if (typeof value !== 'string') return `a value of ${name} that is not a string`
    if (!VALUE.test(value)) return `a value of ${name} with a character that is not printable ASCII`
  }
  return undefined
}
