/**
 * Writes the licenses of the packages whose code is in `dist` of a package, by the source maps there, to
 * `dist/THIRD-PARTY-NOTICES.txt`. Runs at the end of `build`, in the folder of the package.
 *
 *   node ../../tools/thirdPartyNotices.mjs
 */
import { existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const OF_LICENSE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i

/** Titles of packages by their licenses. Packages under one text share it. */
const titlesByText = new Map()
for (const folder of bundledFolders()) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const texts = readdirSync(folder)
    .filter((file) => OF_LICENSE.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim())
  if (texts.length === 0) throw new Error(`${name} has no license`)
  const text = texts.join('\n\n')
  titlesByText.set(text, [...(titlesByText.get(text) ?? []), `${name} ${version} (${license})`])
}
if (titlesByText.size === 0) throw new Error('dist contains no code of other packages')
const sections = [...titlesByText].map(([text, titles]) => `${titles.join('\n')}\n\n${text}`)
writeFileSync(
  'dist/THIRD-PARTY-NOTICES.txt',
  `This package contains code of the following packages.\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`,
)

/** Returns the folders of the packages that the source maps name. */
function bundledFolders() {
  const folders = new Set()
  for (const map of globSync('dist/**/*.map')) {
    for (const source of JSON.parse(readFileSync(map, 'utf8')).sources) {
      const file = join(dirname(map), source).replaceAll('\\', '/')
      // The last folder named node_modules, then the name of the package.
      const [, folder] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? []
      // A package that was built by another names sources that it does not contain.
      if (folder !== undefined && existsSync(join(folder, 'package.json'))) folders.add(folder)
    }
  }
  return Array.from(folders).sort((a, b) => a.localeCompare(b))
}
