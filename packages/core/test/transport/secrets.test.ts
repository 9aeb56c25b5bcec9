import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCertificateReloader } from '../../src/transport/certificates.ts'
import { maskSecrets } from '../../src/transport/maskSecrets.ts'
import { collectSecrets, createSanitizer } from '../../src/transport/secrets.ts'

const NONE = { url: 'http://127.0.0.1', tls: undefined, proxy: undefined }
const shown = (words: string, headers: Record<string, string>): string =>
  createSanitizer(NONE, headers)(words)
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const json = (text: string): string => JSON.stringify(text).slice(1, -1)
const escaped = (text: string): string =>
  Array.from(text, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
const everyByte = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')

const FORMS: Record<string, (secret: string) => string> = {
  raw: (secret) => secret,
  'percent-encoded': encodeURIComponent,
  'percent-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'percent-encoded at every byte': everyByte,
  'percent-decoded': (secret) => decodeURIComponent(secret.replace(/%(?![\dA-F]{2})/g, '%25')),
  base64,
  base64url: (secret) => Buffer.from(secret).toString('base64url'),
  'base64 without padding': (secret) => base64(secret).replaceAll('=', ''),
  'base64 amid other words': (secret) => base64(`{"key":"${secret}"}`),
  'base64 of base64url in other case': (secret) => base64(secret).toLowerCase(),
  'base64 percent-encoded': (secret) => encodeURIComponent(base64(secret)),
  'base64 of the percent-encoded': (secret) => base64(encodeURIComponent(secret)),
  'base64 in lines': (secret) => base64(secret).replace(/.{5}/g, '$&\r\n'),
  'in lower case': (secret) => secret.toLowerCase(),
  'in upper case': (secret) => secret.toUpperCase(),
  'base64 in lower case': (secret) => base64(secret.toLowerCase()),
  'escaped as in JSON': json,
  'escaped as in JSON in JSON': (secret) => json(json(secret)),
  'escaped with \\u': escaped,
  'escaped with \\u in JSON': (secret) => json(escaped(secret)),
  hexadecimal: (secret) => Buffer.from(secret).toString('hex'),
  'with zero-width spaces': (secret) => Array.from(secret).join('\u200b'),
  'with line breaks': (secret) => Array.from(secret).join('\r\n'),
  'in full width': (secret) => secret.replace(/[!-~]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
}
const SECRETS = [
  'AbCd-SecretKey_99',
  'pass/word+secret=',
  'sEcr"t\\"back\\slash',
  '100%secret value',
  'abc_12',
  'qwertz7',
]

describe.each(SECRETS)('createSanitizer for the secret %s', (secret) => {
  test.each(Object.entries(FORMS))('hides the secret when the receiver repeats it %s', (_, form) => {
    const repeated = form(secret)
    const text = shown(`no such key: ${repeated}!`, { 'x-api-key': secret }).replace(/eyJrZXkiOi[IJ]/, '')
    expect(text).toMatch(/^no such key: \*{3}/)
    expect(text.length).toBeLessThanOrEqual('no such key: ***IifQ%3D%3D!'.length)
  })
})

test.each([
  ['base64', 'AbC+dEf/gHi+jKl', 'base64url', 'AbC-dEf_gHi-jKl'],
  ['base64url', 'AbC-dEf_gHi-jKl', 'base64', 'AbC+dEf/gHi+jKl'],
  ['base64', 'AbC+dEf/gHi+jKl', 'the value of a form', 'AbC dEf/gHi jKl'],
])(
  'createSanitizer hides a secret in %s, %s, when the receiver repeats it as %s',
  (_, secret, _form, repeated) => {
    expect(shown(`no such key: ${repeated}!`, { 'x-api-key': secret })).toBe('no such key: ***!')
  },
)

describe('createSanitizer for a sign-in', () => {
  const halves = ['bob-the-builder', 'hunter2secret']
  const pair = halves.join(':')
  const headers = { authorization: `Basic ${base64(pair)}` }
  test.each([
    ['decoded', pair],
    ['the name alone', halves[0]!],
    ['the password alone', halves[1]!],
    ['the password in other case', halves[1]!.toUpperCase()],
    ['the password in base64', base64(halves[1]!)],
    ['decoded and percent-encoded', encodeURIComponent(pair)],
    ['as it was sent', headers.authorization.slice(6)],
    ['as it was sent, without its end', headers.authorization.slice(6, -6)],
  ])('is shown without the secret when the secret is %s', (_, repeated) => {
    expect(shown(`who is ${repeated}?`, headers)).toMatch(/^who is \*{3}.?[=?]{0,3}$/)
  })
})

test('collectSecrets returns the secrets of URLs, proxies, headers, and the private key', () => {
  const key = Buffer.from(
    '-----BEGIN PRIVATE KEY-----\nkeysecret1keysecret1\nkeysecret2\n-----END PRIVATE KEY-----\n',
  )
  process.env['https_proxy'] = 'http://user:proxysecret@proxy:3128'
  const url = 'https://bob:hunter%32secret@host:1/in/a1b2c3d4e5f6a7b8c9/v1/logs?api_key=querysecret77&x=1#abc'
  try {
    const secrets = collectSecrets(
      { ...NONE, url, tls: { key } },
      { authorization: 'Bearer abcdefsecret', cookie: 'a=cookiesecret; b=sixsix' },
    )
    for (const secret of [
      'hunter2secret',
      'proxysecret',
      'a1b2c3d4e5f6a7b8c9',
      'querysecret77',
      'keysecret1keysecret1',
      'keysecret2',
      'abcdefsecret',
      'cookiesecret',
      'sixsix',
    ])
      expect(maskSecrets(`not ${secret}!`, secrets)).toBe('not ***!')
    expect(maskSecrets('Bearer, Basic and PRIVATE KEY are words of /v1/logs', secrets)).toBe(
      'Bearer, Basic and PRIVATE KEY are words of /v1/logs',
    )
  } finally {
    delete process.env['https_proxy']
  }
})

test.each(['dns:///collector-1.example.com:4317', 'unix:/run/observability/collector-grpc-1.sock'])(
  'collectSecrets has no part of the name when the receiver is %s',
  (url) => {
    expect(maskSecrets(`ENOENT ${url}`, collectSecrets({ ...NONE, url }, {}))).toBe(`ENOENT ${url}`)
  },
)

test('collectSecrets returns the private key of the start and a later one when a file changes', async () => {
  const makeKey = (): string =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      format: 'pem',
      type: 'pkcs8',
    }) as string
  const keys = [makeKey(), makeKey(), makeKey()]
  const folder = mkdtempSync(join(tmpdir(), 'logbridge-secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'key.pem')
  const tls = { key: Buffer.from(keys[0]!), files: { key: path } }
  const certificates = createCertificateReloader(tls)
  for (const key of keys.slice(1)) {
    writeFileSync(`${path}.new`, key)
    renameSync(`${path}.new`, path)
    await certificates()
  }
  for (const key of keys) {
    const line = key.split('\n')[1]!
    expect(maskSecrets(`not ${line}!`, collectSecrets({ ...NONE, tls }, {}))).toBe('not ***!')
  }
})

test('createSanitizer puts a message on one line and shortens it when it has no secret', () => {
  const headers = { authorization: 'Bearer abcdefsecret', 'x-scope': 'a', 'x-short': 'abcde' }
  expect(shown('Bearer abcde wanted, not Basic', headers)).toBe('Bearer abcde wanted, not Basic')
  expect(shown('a\r\nlogbridge: all is well\u001b[2J\u202e', headers)).toBe('a logbridge: all is well [2J ')
  expect(shown(`${'x'.repeat(195)}abcdefsecret`, headers)).toBe(`${'x'.repeat(195)}***`)
  expect(shown('x'.repeat(300), headers).length).toBeLessThanOrEqual(201)
  expect(maskSecrets('x'.repeat(10_000), [])).toHaveLength(4096)
})

test('createSanitizer hides half a secret when the message is cut within the secret', () => {
  const text = shown('\n'.repeat(4096 - 8) + 'abcdefsecret', { authorization: 'Bearer abcdefsecret' })
  expect(text).toBe(' ***')
})
