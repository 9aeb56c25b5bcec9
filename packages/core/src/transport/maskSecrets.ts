/** Shortest secret that is hidden, because hiding shorter values would remove parts of ordinary words. */
const MIN_SECRET_BYTES = 6
/** Length of the shortest run of bytes that is hidden when text and secret share it. */
const PIECE_BYTES = 8
/** Length of a message that is searched for secrets, in UTF-16 units. */
const MAX_SEARCHED_LENGTH = 4096
/** Number of nested encodings that are searched, e.g. percent-encoded twice, in JSON, within JSON. */
const MAX_DECODINGS = 4
/** Characters without width on a terminal, which may interrupt a secret. */
const INVISIBLE = /[\p{C}\p{M}\p{Zl}\p{Zp}\p{DI}]/u

/**
 * Replaces secrets in a text by `***`, in any combination of these forms: percent-encoded or decoded, escaped as in JSON, base64 and
 * base64url, hexadecimal, in any case. Takes linear time.
 */
export function maskSecrets(message: string, secrets: readonly string[]): string {
  const text = message.slice(0, MAX_SEARCHED_LENGTH).normalize('NFKC')
  const views = viewsOf(text)
  const pieces = new Set<string>()
  for (const { normalized } of views) {
    for (let at = 0; at + PIECE_BYTES <= normalized.length; at += 1)
      pieces.add(normalized.slice(at, at + PIECE_BYTES))
  }
  const found = new Set<string>()
  for (const form of secretForms(secrets)) {
    if (form.length < PIECE_BYTES) found.add(form)
    for (let at = 0; at + PIECE_BYTES <= form.length; at += 1) {
      const piece = form.slice(at, at + PIECE_BYTES)
      if (pieces.has(piece)) found.add(piece)
    }
  }
  return found.size === 0 ? text : maskForms(text, views, found)
}

/** Normalized text for comparison, with the position of each byte in the text. */
interface View {
  /** UTF-8 as latin1, in lower case, base64url as base64, without control characters and backslashes. */
  readonly normalized: string
  readonly from: readonly number[]
  readonly to: readonly number[]
}

interface Bytes {
  readonly bytes: number[]
  readonly from: number[]
  readonly to: number[]
}

/** Returns views of the text, of the decoded text, of the twice decoded text, and so on. */
function viewsOf(text: string): View[] {
  const views: View[] = []
  let current = bytesOf(text)
  for (;;) {
    views.push(viewOf(current))
    if (views.length > MAX_DECODINGS) return views
    const next = decode(current)
    if (next.bytes.length === current.bytes.length) return views
    current = next
  }
}

function bytesOf(text: string): Bytes {
  const result: Bytes = { bytes: [], from: [], to: [] }
  let at = 0
  for (const character of text) {
    const code = character.charCodeAt(0)
    if (code >= 0x20 && code < 0x7f) add(result, [code], at, at + 1)
    else if (!INVISIBLE.test(character)) add(result, Buffer.from(character), at, at + character.length)
    at += character.length
  }
  return result
}

function add({ bytes, from, to }: Bytes, added: Iterable<number>, start: number, end: number): void {
  for (const byte of added) {
    bytes.push(byte)
    from.push(start)
    to.push(end)
  }
}

/** Decodes one layer: `%2F`, and `\u002f`, `\x2f`, `\/` as in JSON and JavaScript. */
function decode({ bytes, from, to }: Bytes): Bytes {
  const result: Bytes = { bytes: [], from: [], to: [] }
  const hex = (at: number, digits: number): number => {
    const code = String.fromCharCode(...bytes.slice(at, at + digits))
    return code.length === digits && /^[\da-f]+$/i.test(code) ? Number.parseInt(code, 16) : Number.NaN
  }
  for (let at = 0; at < bytes.length;) {
    let size = 1
    let decoded: Iterable<number> = [bytes[at]!]
    const next = String.fromCharCode(bytes[at + 1] ?? 0)
    if (bytes[at] === 0x25 && !Number.isNaN(hex(at + 1, 2))) {
      decoded = [hex(at + 1, 2)]
      size = 3
    } else if (bytes[at] === 0x5c) {
      const digits = next === 'u' ? 4 : next === 'x' ? 2 : 0
      const code = hex(at + 2, digits)
      const isCode = digits > 0 && !Number.isNaN(code)
      decoded = isCode
        ? Buffer.from(String.fromCharCode(code))
        : 'nrtbf'.includes(next)
          ? []
          : [bytes[at + 1] ?? 0]
      size = isCode ? 2 + digits : 2
    }
    add(result, decoded, from[at]!, to[Math.min(at + size, bytes.length) - 1]!)
    at += size
  }
  return result
}

function viewOf({ bytes, from, to }: Bytes): View {
  const view = { normalized: '', from: [] as number[], to: [] as number[] }
  const normalized: number[] = []
  for (const [at, byte] of bytes.entries()) {
    if (byte < 0x20 || byte === 0x5c || byte === 0x7f) continue
    normalized.push(comparable(byte))
    view.from.push(from[at]!)
    view.to.push(to[at]!)
  }
  view.normalized = Buffer.from(normalized).toString('latin1')
  return view
}

function comparable(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20
  // `-` and `_` of base64url become `+` and `/` of base64. A space becomes `+`, as in form data.
  if (byte === 0x2d || byte === 0x20) return 0x2b
  return byte === 0x5f ? 0x2f : byte
}

/** Cache of the forms of one list of secrets, because a receiver that refuses every request refuses the same secrets each time. */
let cachedForms: { readonly key: string; readonly forms: Set<string> } | undefined

/** Returns all forms of the secrets, normalized for comparison. */
function secretForms(secrets: readonly string[]): Set<string> {
  const key = secrets.join('\n')
  if (cachedForms?.key !== key) cachedForms = { key, forms: makeForms(secrets) }
  return cachedForms.forms
}

function makeForms(secrets: readonly string[]): Set<string> {
  const plain = new Set(secrets.flatMap(decodings).flatMap((secret) => [secret, ...pairOf(secret)]))
  const forms = new Set<string>()
  const addForm = (form: string): void => {
    if (form.length >= MIN_SECRET_BYTES) forms.add(form)
  }
  for (const secret of plain) {
    if (secret.length < MIN_SECRET_BYTES) continue
    for (const { normalized } of viewsOf(secret.normalize('NFKC'))) addForm(normalized)
    const percent = encodeURIComponent(secret.toWellFormed())
    for (const form of new Set([secret, secret.toLowerCase(), secret.toUpperCase(), percent])) {
      const bytes = Buffer.from(form)
      addForm(bytes.toString('hex'))
      for (const offset of [0, 1, 2]) addForm(base64At(bytes, offset))
    }
  }
  return forms
}

/** Returns a secret, percent-decoded zero, one, and two times. */
function decodings(secret: string): string[] {
  const found = [secret]
  try {
    for (let step = 0; step < 2; step += 1) found.push(decodeURIComponent(found.at(-1)!))
  } catch {
    // A literal percent sign cannot be decoded.
  }
  return found
}

/** Decodes base64, e.g. of Basic authentication, and returns the text and the two parts around a colon. Returns [] for no text. */
function pairOf(secret: string): string[] {
  if (!/^[\w+/-]+={0,2}$/.test(secret)) return []
  const text = Buffer.from(secret, 'base64').toString()
  if (/[\p{C}\ufffd]/u.test(text)) return []
  const colon = text.indexOf(':')
  return [text, text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)].flatMap(decodings)
}

/**
 * Returns the base64 characters of bytes that neighboring bytes do not change.
 * @param offset number of bytes before
 */
function base64At(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6)).toLowerCase()
}

/** @param found normalized pieces to hide */
function maskForms(text: string, views: readonly View[], found: ReadonlySet<string>): string {
  const hidden = new Uint8Array(text.length)
  const short = [...found].filter((piece) => piece.length < PIECE_BYTES)
  for (const view of views) {
    for (let at = 0; at + PIECE_BYTES <= view.normalized.length; at += 1) {
      if (found.has(view.normalized.slice(at, at + PIECE_BYTES))) cover(hidden, view, at, PIECE_BYTES)
    }
    for (const piece of short) {
      for (let at = view.normalized.indexOf(piece); at >= 0; at = view.normalized.indexOf(piece, at + 1)) {
        cover(hidden, view, at, piece.length)
      }
    }
  }
  let shown = ''
  for (let at = 0; at < text.length; at += 1) {
    if (hidden[at] === 0) shown += text[at]
    else if (hidden[at - 1] !== 1) shown += '***'
  }
  return shown
}

function cover(hidden: Uint8Array, { from, to }: View, at: number, length: number): void {
  hidden.fill(1, from[at], to[at + length - 1])
}
