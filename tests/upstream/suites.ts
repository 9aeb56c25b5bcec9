import { debianSource, installedPackage, npmPackage, type Source } from './sources.ts'

/** Tests of a logging library, and the version of the library that they run on. */
export interface Suite {
  readonly name: string
  readonly library: 'bunyan' | 'log4js' | 'pino' | 'winston'
  /** Folder with the tests. */
  readonly source: Source
  /** Package of this workspace whose files replace those of the source. */
  readonly installed?: string
  /** Files of the tests that are replaced by a file of `tests/upstream`. */
  readonly replaced?: Readonly<Record<string, string>>
  /** Packages that the tests need, with their versions. */
  readonly tools: Readonly<Record<string, string>>
  readonly runner: 'mocha' | 'node' | 'tap'
  /** Pattern of the test files. */
  readonly files: RegExp
  /** File whose exports the hook of the library replaces. */
  readonly factory: string
  /** Smallest numbers of tests and records. tap counts assertions as tests. */
  readonly floor: { readonly tests: number; readonly records: number }
}

const winston = {
  library: 'winston',
  // Newer source packages of winston do not exist.
  source: debianSource('node-winston', '3.8.2'),
  tools: {
    'abstract-winston-transport': '0.5.1',
    assume: '2.3.0',
    'cross-spawn-async': '2.2.5',
    hock: '1.4.1',
    mocha: '8.1.3',
    rimraf: '3.0.2',
    split2: '4.2.0',
    'std-mocks': '1.0.1',
    through2: '4.0.2',
    'winston-compat': '0.1.5',
  },
  runner: 'mocha',
  // Without the test of `tailFile`, which fails at random on a slow machine.
  files: /^test\/(?!.*tail-file).*\.test\.js$/,
  factory: 'lib/winston/create-logger.js',
  floor: { tests: 170, records: 1000 },
} as const

const bunyan = {
  library: 'bunyan',
  // The last npm package of bunyan that contains its tests.
  source: npmPackage('bunyan@1.0.0'),
  // nodeunit, which the tests were written for, fails to load on the versions of Node.js that run here.
  replaced: { 'test/tap4nodeunit.js': 'nodeunitOnTap.cjs' },
  tools: { tap: '16.3.10', vasync: '1.4.3', verror: '1.3.3' },
  runner: 'tap',
  files: /^test\/[^/]*\.test\.js$/,
  factory: 'lib/bunyan.js',
  floor: { tests: 400, records: 140 },
} as const

/** Each adapter's library, in the versions that this workspace has installed. */
export const suites: readonly Suite[] = [
  { ...winston, name: 'winston of its source' },
  { ...winston, name: 'winston', installed: 'winston' },
  {
    name: 'pino',
    library: 'pino',
    source: installedPackage('pino'),
    tools: {
      '@matteo.collina/tspl': '0.2.0',
      execa: '5.1.1',
      'flush-write-stream': '2.0.0',
      'get-caller-file': '2.0.5',
      'import-fresh': '3.3.1',
      'pino-pretty': '13.2.0',
      proxyquire: '2.1.3',
      rimraf: '6.1.4',
      split2: '4.2.0',
      'strip-ansi': '6.0.1',
      tape: '5.10.2',
      through2: '5.0.12',
    },
    runner: 'node',
    // Without the browser's pino, and without the test that logs 8 million lines.
    files: /^test\/(?!browser|jest\/|transport\/big).*\.test\.m?js$/,
    factory: 'lib/tools.js',
    floor: { tests: 510, records: 90_000 },
  },
  { ...bunyan, name: 'bunyan 2', installed: 'bunyan' },
  { ...bunyan, name: 'bunyan 1', installed: 'bunyan1' },
  {
    name: 'log4js',
    library: 'log4js',
    source: debianSource('node-log4js', '6.9.1'),
    installed: 'log4js',
    tools: {
      '@log4js-node/sandboxed-module': '2.2.1',
      callsites: '3.1.0',
      'deep-freeze': '0.0.1',
      'fs-extra': '11.4.1',
      nyc: '15.1.0',
      proxyquire: '2.1.3',
      tap: '16.3.10',
    },
    runner: 'tap',
    files: /^test\/tap\/.*\.js$/,
    factory: 'lib/configuration.js',
    floor: { tests: 1700, records: 300 },
  },
]
