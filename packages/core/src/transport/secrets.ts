import { oneLine } from '@logbridge/bridge/internal'
import type { ExporterConfig } from '../config/exporter.ts'
import { keysOf } from './certificates.ts'
import type { Headers } from './headers.ts'

/** A shorter value is no secret, and would make holes in ordinary words. */
const MIN_SECRET_BYTES = 6
/** Hides each run of 8 bytes that a text shares with a secret. */
const PIECE_BYTES = 8
/** Of foreign words no more is read, and no more is shown. */
const MAX_READ_LENGTH = 4096
const MAX_SHOWN_LENGTH = 200
/** A text may be percent-encoded twice and then be in JSON, within JSON. */
const MAX_DECODINGS = 4
const SCHEME = /^(?:basic|bearer|digest|token|api-?key)(?:\s+|$)/i
/** What a terminal does not show, or shows on the character before: it may stand amid a secret. */
const NOT_SEEN = /[\p{C}\p{M}\p{Zl}\p{Zp}\p{DI}]/u
const PROXIES = ['http_proxy', 'https_proxy', 'grpc_proxy', 'all_proxy']

/** Makes foreign words fit to be shown: on one line, short, and without the secrets that they may repeat. */
export type SanitizeMessage = (words: string) => string

/**
 * Nothing is done for the secrets before there are words to show.
 *
 * @param config whose URL and key are secret
 * @param headers of the request
 */
export function createSanitizer(
  config: Pick<ExporterConfig, 'url' | 'tls'>,
  headers: Headers,
): SanitizeMessage {
  return (words) => oneLine(maskSecrets(words, collectSecrets(config, headers)), MAX_SHOWN_LENGTH)
}

/** Values of headers, sign-in, path and query values of URLs, also those of proxies, and the lines of a private key. */
export function collectSecrets(
  { url, tls }: Pick<ExporterConfig, 'url' | 'tls'>,
  headers: Headers,
): string[] {
  const urls = [url, ...PROXIES.flatMap((name) => [process.env[name], process.env[name.toUpperCase()]])]
  return [
    ...Object.values(headers).flatMap((value) => [value.replace(SCHEME, ''), ...value.split(/[\s,;="]+/)]),
    ...urls.flatMap((text) => collectUrlSecrets(text ?? '')),
    ...(tls ? keysOf(tls).flatMap((key) => key.toString('latin1').split(/[\r\n]+|-----[A-Z ]+-----/)) : []),
  ].filter((secret) => secret.replace(SCHEME, '') !== '')
}

function collectUrlSecrets(text: string): string[] {
  const signIn = /\/\/([^/?#@]*(?:@[^/?#@]*)*)@/.exec(text)?.[1] ?? ''
  const [path = '', query = ''] = text.split('?', 2)
  // A key in the path: a segment that is no word.
  const segments = path.split('/').slice(3)
  const keys = segments.filter((segment) => segment.length >= 16 && /\d/.test(segment))
  const values = query.split(/[&;#]/).map((pair) => pair.slice(pair.indexOf('=') + 1))
  const colon = signIn.indexOf(':')
  return [signIn, signIn.slice(0, Math.max(colon, 0)), signIn.slice(colon + 1), ...values, ...keys]
}

/**
 * A text without what it has in common with secrets, in any of these forms and of several at once: percent-encoded or decoded,
 * escaped as in JSON, base64 and base64url, hexadecimal, in any case. Takes linear time.
 */
export function maskSecrets(words: string, secrets: readonly string[]): string {
  const text = words.slice(0, MAX_READ_LENGTH).normalize('NFKC')
  const views = viewsOf(text)
  const pieces = new Set<string>()
  for (const { seen } of views) {
    for (let at = 0; at + PIECE_BYTES <= seen.length; at += 1) pieces.add(seen.slice(at, at + PIECE_BYTES))
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

/** A text as it is compared, and where in the text each of its bytes begins and ends. */
interface View {
  /** UTF-8 as latin1, in lower case, base64url as base64, without control characters and backslashes. */
  readonly seen: string
  readonly from: readonly number[]
  readonly to: readonly number[]
}

interface Bytes {
  readonly bytes: number[]
  readonly from: number[]
  readonly to: number[]
}

/** The text itself, decoded once, decoded twice, and so on. */
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
    else if (!NOT_SEEN.test(character)) add(result, Buffer.from(character), at, at + character.length)
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

/** Takes off one layer: `%2F`, and `\u002f`, `\x2f`, `\/` as in JSON and JavaScript. */
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
  const view = { seen: '', from: [] as number[], to: [] as number[] }
  const seen: number[] = []
  for (const [at, byte] of bytes.entries()) {
    if (byte < 0x20 || byte === 0x5c || byte === 0x7f) continue
    seen.push(comparable(byte))
    view.from.push(from[at]!)
    view.to.push(to[at]!)
  }
  view.seen = Buffer.from(seen).toString('latin1')
  return view
}

function comparable(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte + 0x20
  // `-` and `_` of base64url are `+` and `/` of base64; a space is a `+` in a form.
  if (byte === 0x2d || byte === 0x20) return 0x2b
  return byte === 0x5f ? 0x2f : byte
}

/** Those of the secrets that were asked for last: a receiver that refuses all does so for the same ones again and again. */
let last: { readonly key: string; readonly forms: Set<string> } | undefined

/** All forms of secrets, as they are compared. */
function secretForms(secrets: readonly string[]): Set<string> {
  const key = secrets.join('\n')
  if (last?.key !== key) last = { key, forms: makeForms(secrets) }
  return last.forms
}

function makeForms(secrets: readonly string[]): Set<string> {
  const plain = new Set(secrets.flatMap(decodings).flatMap((secret) => [secret, ...pairOf(secret)]))
  const forms = new Set<string>()
  const addForm = (form: string): void => {
    if (form.length >= MIN_SECRET_BYTES) forms.add(form)
  }
  for (const secret of plain) {
    if (secret.length < MIN_SECRET_BYTES) continue
    for (const { seen } of viewsOf(secret.normalize('NFKC'))) addForm(seen)
    const percent = encodeURIComponent(secret.toWellFormed())
    for (const form of new Set([secret, secret.toLowerCase(), secret.toUpperCase(), percent])) {
      const bytes = Buffer.from(form)
      addForm(bytes.toString('hex'))
      for (const offset of [0, 1, 2]) addForm(base64At(bytes, offset))
    }
  }
  return forms
}

/** A secret, and the same percent-decoded once and twice. */
function decodings(secret: string): string[] {
  const found = [secret]
  try {
    for (let step = 0; step < 2; step += 1) found.push(decodeURIComponent(found.at(-1)!))
  } catch {
    // A percent sign of its own.
  }
  return found
}

/** What Basic or another secret in base64 holds, with each half of it; nothing where that is no text. */
function pairOf(secret: string): string[] {
  if (!/^[\w+/-]+={0,2}$/.test(secret)) return []
  const text = Buffer.from(secret, 'base64').toString()
  if (/[\p{C}\ufffd]/u.test(text)) return []
  const colon = text.indexOf(':')
  return [text, text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)].flatMap(decodings)
}

/** Returns the base64 characters that neighboring bytes cannot change. @param offset number of bytes before */
function base64At(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6)).toLowerCase()
}

/** @param found what of the views is to be hidden */
function maskForms(text: string, views: readonly View[], found: ReadonlySet<string>): string {
  const hidden = new Uint8Array(text.length)
  const short = [...found].filter((piece) => piece.length < PIECE_BYTES)
  for (const view of views) {
    for (let at = 0; at + PIECE_BYTES <= view.seen.length; at += 1) {
      if (found.has(view.seen.slice(at, at + PIECE_BYTES))) cover(hidden, view, at, PIECE_BYTES)
    }
    for (const piece of short) {
      for (let at = view.seen.indexOf(piece); at >= 0; at = view.seen.indexOf(piece, at + 1)) {
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
