import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { installProject, NPM_INSTALL } from '@logbridge/test-support/project'
import { ONE_BY_EACH, soldOut, startReceiver } from '@logbridge/test-support/receiver'

/** Build command and output formats of each bundler. */
const BUNDLERS = [
  { bundler: 'esbuild', build: 'node esbuild.config.js', formats: ['mjs', 'cjs'] },
  { bundler: 'webpack', build: 'npx webpack', formats: ['mjs', 'cjs'] },
  { bundler: 'Rspack', build: 'npx rspack build', formats: ['mjs', 'cjs'] },
  { bundler: 'Rollup', build: 'npx rollup -c', formats: ['mjs', 'cjs'] },
  { bundler: 'Vite SSR', build: 'npx vite build', formats: ['mjs'] },
]

const receiver = await startReceiver()
const project = await installProject('bundlers')

/** @returns the folder with the bundles */
async function bundle(build: string, env: NodeJS.ProcessEnv): Promise<string> {
  const dist = join(project.folder, 'dist')
  await rm(dist, { recursive: true, force: true })
  await project.run('sh', ['-c', build], env)
  return dist
}

/** Copies bundles to a folder without node_modules. */
async function isolate(dist: string): Promise<string> {
  const folder = await mkdtemp(join(inject('projects'), 'alone-'))
  await cp(dist, folder, { recursive: true })
  return folder
}

/** Runs a bundle of `callSites`, and returns the source text at the place of each record. */
async function calledAt(folder: string, name: string, command: [string, ...string[]]): Promise<string[]> {
  const [program, ...args] = command
  const stdout = await project.run(program, args)
  const lines = (await readFile(join(folder, name), 'utf8')).split('\n')
  const places = JSON.parse(stdout.trim().split('\n').at(-1)!) as [string, number, number][]
  return places.map(([body, line, column]) => {
    const called = lines[line - 1]?.slice(column - 1) ?? ''
    return `${body}: ${called.slice(0, called.indexOf(body))}`
  })
}

const CALLED = [
  /^placed bunyan info: info\(["'`]$/,
  /^placed bunyan child: warn\(["'`]$/,
  /^placed pino info: info\(["'`]$/,
  /^placed pino child: warn\(["'`]$/,
  /^placed winston info: info\(["'`]$/,
  /^placed winston child: warn\(["'`]$/,
  /^placed winston log: log\(["'`]info["'`], ?["'`]$/,
  /^placed console info: (console\.)?info\(["'`]$/,
].map((place) => expect.stringMatching(place) as string)

describe.each(BUNDLERS)('$bundler', ({ build, formats }) => {
  it('bundles captureCode, which finds the calls in one file', async () => {
    const dist = await bundle(build, { ENTRY: 'callSites' })
    for (const format of formats) {
      const name = `callSites.${format}`
      expect(await calledAt(dist, name, ['node', join(dist, name)]), format).toEqual(CALLED)
    }
  })
})

it('ncc bundles captureCode, which finds the calls in one file', async () => {
  const dist = await bundle('npx ncc build callSites.js --external dtrace-provider --out dist', {})
  expect(await calledAt(dist, 'index.js', ['node', join(dist, 'index.js')])).toEqual(CALLED)
})

// These bundles are built before @logbridge/core is installed, because pino's adapter must work without core.
describe.each(BUNDLERS)('$bundler', ({ build, formats }) => {
  it('bundles the adapters and an SDK when @logbridge/core is not installed', async () => {
    const folder = await isolate(await bundle(build, { ENTRY: 'sdk3' }))
    for (const format of formats) {
      await project.run('node', [join(folder, `sdk3.${format}`)], receiver.http)
      expect(receiver.take(), format).toEqual(ONE_BY_EACH)
    }
  })
})

describe('with @logbridge/core', () => {
  beforeAll(() => project.run('npm', [...NPM_INSTALL, '@logbridge/core']))

  it('sends over gRPC without a bundle', async () => {
    await project.run('node', ['core.js'], receiver.grpc)
    expect(receiver.take()).toEqual(ONE_BY_EACH)
  })

  describe.each(BUNDLERS)('$bundler', ({ build, formats }) => {
    // Peer: esbuild's ES module of the official gRPC exporter fails with "Cannot find module '@grpc/grpc-js'".
    it('bundles the adapters and @logbridge/core, which sends over gRPC', async () => {
      const folder = await isolate(await bundle(build, { ENTRY: 'core' }))
      for (const format of formats) {
        await project.run('node', [join(folder, `core.${format}`)], receiver.grpc)
        expect(receiver.take(), format).toEqual(ONE_BY_EACH)
      }
    })

    it('bundles flushOnExit, which sends the last records when the process exits', async () => {
      const folder = await isolate(await bundle(build, { ENTRY: 'exit' }))
      for (const format of formats) {
        await project.run('node', [join(folder, `exit.${format}`)], receiver.grpc)
        expect(receiver.take(), format).toEqual(ONE_BY_EACH)
      }
    })

    it('bundles a program whose pino worker is external', async () => {
      const dist = await bundle(build, { ENTRY: 'worker', EXTERNAL: 'pino,@logbridge/pino' })
      for (const format of formats) {
        await project.run('node', [join(dist, `worker.${format}`)], receiver.grpc)
        expect(receiver.take(), format).toEqual([soldOut('worker')])
      }
    })
  })
  it('ncc bundles flushOnExit, which sends the last records when the process exits', async () => {
    const folder = await isolate(
      await bundle('npx ncc build exit.js --external dtrace-provider --out dist', {}),
    )
    await project.run('node', [join(folder, 'index.js')], receiver.grpc)
    expect(receiver.take()).toEqual(ONE_BY_EACH)
  })

  it('single executable sends the last records when it exits', async () => {
    const dist = await bundle('node esbuild.config.js', { ENTRY: 'exit' })
    const folder = await isolate(dist)
    const path = (name: string): string => join(folder, name)
    await writeFile(path('sea.json'), JSON.stringify({ main: path('exit.cjs'), output: path('exit.blob') }))
    await project.run('node', ['--experimental-sea-config', path('sea.json')])
    await copyFile(process.execPath, path('exit'))
    const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
    await project.run('npx', [
      'postject',
      path('exit'),
      'NODE_SEA_BLOB',
      path('exit.blob'),
      '--sentinel-fuse',
      fuse,
    ])
    await project.run(path('exit'), [], receiver.grpc)
    expect(receiver.take()).toEqual(ONE_BY_EACH)
  })
})
