/**
 * Holds `homepage`, `bugs`, `license`, `author`, and `repository` of each package equal to those of the root `package.json`, which
 * alone names the organization and the repository: `pnpm lint:metadata`.
 *
 *   node tools/packageMetadata.mjs [--write] [ROOT]
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
})
const [root = '.'] = positionals
const { homepage, bugs, license, author, repository } = readManifest('package.json')
const repositoryUrl = new URL(repository.url.replace('git+', '').replace(/\.git$/, ''))

for (const file of globSync('packages/*/package.json', { cwd: root })) {
  const manifest = readManifest(file)
  const directory = dirname(file).replaceAll('\\', '/')
  const expected = {
    homepage: `${repositoryUrl}/tree/main/${directory}#readme`,
    bugs,
    license,
    author,
    repository: { ...repository, directory },
  }
  const different = Object.keys(expected).filter(
    (field) => JSON.stringify(manifest[field]) !== JSON.stringify(expected[field]),
  )
  if (different.length > 0) report(file, different, { ...manifest, ...expected })
}
if (!homepage.startsWith(repositoryUrl.href) || !bugs.url.startsWith(repositoryUrl.href)) {
  fail(`package.json: homepage and bugs must begin with ${repositoryUrl}`)
}

function readManifest(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'))
}

function report(file, fields, corrected) {
  if (values.write) writeFileSync(join(root, file), `${JSON.stringify(corrected, undefined, 2)}\n`)
  else
    fail(`${file}: ${fields.join(', ')} must follow package.json; run node tools/packageMetadata.mjs --write`)
}

function fail(message) {
  console.error(message)
  process.exitCode = 1
}
