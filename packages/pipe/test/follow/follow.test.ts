import { once } from 'node:events'
import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  type Command,
  temporaryFolder,
  type Receiver,
  startCommand,
  startReceiver,
  WAIT,
} from '../startCommand.ts'

let folder: string
let file: string
let checkpoints: string
let receiver: Receiver

beforeEach(async () => {
  folder = await temporaryFolder()
  file = join(folder, 'app.log')
  checkpoints = join(folder, 'state', 'checkpoints.json')
  receiver = await startReceiver()
})

/** Starts the command, and waits until it knows the files. */
async function follow(args: string[] = [], pattern = join(folder, '*.log')): Promise<Command> {
  const options = ['--checkpoints', checkpoints, '--scheduled-delay-millis', '50', ...args]
  const command = startCommand(['follow', pattern, ...options], receiver.env)
  await command.printed('following')
  return command
}

async function stop(command: Command): Promise<void> {
  command.child.kill('SIGTERM')
  expect(await command.end()).toBe(0)
}

async function kill({ child }: Command): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** Waits until the checkpoint of a file is at an offset. */
function stored(offset: number, path = file): Promise<unknown> {
  return vi.waitFor(async () => {
    const { files } = JSON.parse(await readFile(checkpoints, 'utf8')) as {
      files: { path: string; offset: number }[]
    }
    expect(files.find((entry) => entry.path === path)?.offset).toBe(offset)
  }, WAIT)
}

const sorted = async (count: number): Promise<string[]> =>
  (await receiver.bodies(count)).map(String).toSorted()
/** Lines that are longer than a fingerprint. */
const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index} ${'x'.repeat(60)}\n`).join('')
const numbers = async (count: number): Promise<number[]> =>
  (await receiver.bodies(count)).map((body) => Number(String(body).split(' ')[1]))
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

describe('logbridge-pipe follow', () => {
  test('sends what is added to files after its first start, with their paths', async () => {
    await writeFile(file, 'old\n')
    const command = await follow()
    await appendFile(file, 'added\n')
    await writeFile(join(folder, 'other.log'), 'of a new file\n')
    expect(await sorted(2)).toEqual(['added', 'of a new file'])
    const record = receiver.records.find(({ body }) => body === 'added')
    expect(record!.attributes).toMatchObject({ 'log.file.path': file, 'log.file.name': 'app.log' })
    await stop(command)
  })

  test('reads files from their beginning when --from-start is given', async () => {
    await writeFile(file, 'old\n')
    const command = await follow(['--from-start'])
    expect(await receiver.bodies(1)).toEqual(['old'])
    await stop(command)
  })

  test('sends a whole line when its beginning was written before the first start', async () => {
    await writeFile(file, 'old\nbeg')
    const command = await follow()
    await appendFile(file, 'un\n')
    expect(await receiver.bodies(1)).toEqual(['begun'])
    await stop(command)
  })

  test('continues after the last acknowledged line when it starts again', async () => {
    await writeFile(file, '')
    const first = await follow()
    await appendFile(file, 'one\n{"ha')
    expect(await receiver.bodies(1)).toEqual(['one'])
    await stored(4)
    await stop(first)
    await appendFile(file, 'lf":1,"message":"two"}\n')
    const second = await follow()
    expect(await receiver.bodies(2)).toEqual(['one', 'two'])
    await stop(second)
  })

  test('sends again only lines without an acknowledgment when it was killed', async () => {
    await writeFile(file, '')
    const first = await follow()
    await appendFile(file, 'one\n')
    await receiver.bodies(1)
    await stored(4)
    await appendFile(file, 'two\n')
    await kill(first)
    const second = await follow()
    await vi.waitFor(() => expect(receiver.records.map(({ body }) => body)).toContain('two'), WAIT)
    expect(receiver.records.filter(({ body }) => body === 'one')).toHaveLength(1)
    await stop(second)
  })

  test('moves no checkpoint beyond lines that the receiver has not got', { tags: ['long'] }, async () => {
    await writeFile(file, '')
    const port = receiver.viewer.grpcPort
    const first = await follow()
    await appendFile(file, 'one\n')
    await receiver.bodies(1)
    await stored(4)
    await receiver.viewer.close()
    await appendFile(file, 'two\n')
    await first.printed('failed')
    first.child.kill('SIGTERM')
    await first.end()
    expect(first.stderr()).toContain('the next run reads the lines of 1 record again')
    await stored(4)
    receiver = await startReceiver(port)
    const second = await follow()
    expect(await receiver.bodies(1)).toEqual(['two'])
    await stop(second)
  })

  test('reads a renamed file to its end, and the new one', async () => {
    await writeFile(file, '')
    const command = await follow()
    await appendFile(file, 'one\n')
    await receiver.bodies(1)
    await rename(file, join(folder, 'app.log.1'))
    await writeFile(file, 'three\n')
    await appendFile(join(folder, 'app.log.1'), 'two\n')
    expect(await sorted(3)).toEqual(['one', 'three', 'two'])
    await stop(command)
  })

  test(
    'finds files that were rotated several times while it was down, though the glob misses them',
    { tags: ['long'] },
    async () => {
      await writeFile(file, numbered(0, 5))
      const first = await follow(['--from-start'])
      await receiver.bodies(5)
      await stored(numbered(0, 5).length)
      await kill(first)
      await appendFile(file, numbered(5, 10))
      for (const from of [10, 20]) {
        await rename(join(folder, 'app.log.1'), join(folder, 'app.log.2')).catch(() => {})
        await rename(file, join(folder, 'app.log.1'))
        await writeFile(file, numbered(from, from + 10))
      }
      const second = await follow()
      expect((await numbers(30)).toSorted((a, b) => a - b)).toEqual(range(0, 30))
      await stop(second)
      const third = await follow()
      await delay(1500)
      expect(await numbers(30)).toHaveLength(30)
      await stop(third)
    },
  )

  test('loses no line of a log that is rotated while the command ends', { tags: ['long'] }, async () => {
    await writeFile(file, '')
    for (let run = 0; run < 5; run += 1) {
      const command = await follow()
      await appendFile(file, numbered(run * 10, run * 10 + 5))
      command.child.kill('SIGTERM')
      await rename(file, join(folder, `app.log.${run}`))
      await writeFile(file, numbered(run * 10 + 5, run * 10 + 10))
      expect(await command.end()).toBe(0)
    }
    const last = await follow()
    await vi.waitFor(
      () =>
        expect(new Set(receiver.records.map(({ body }) => Number(String(body).split(' ')[1])))).toEqual(
          new Set(range(0, 50)),
        ),
      WAIT,
    )
    await stop(last)
  })

  test('reads nothing of older rotations when the log is rotated', { tags: ['long'] }, async () => {
    await writeFile(join(folder, 'app.log.1'), numbered(0, 5))
    await delay(20)
    await writeFile(file, numbered(5, 10))
    const command = await follow()
    await rename(join(folder, 'app.log.1'), join(folder, 'app.log.2'))
    await rename(file, join(folder, 'app.log.1'))
    await writeFile(file, numbered(10, 15))
    expect(await numbers(5)).toEqual(range(10, 15))
    await delay(1500)
    expect(await numbers(5)).toHaveLength(5)
    await stop(command)
  })

  test(
    'reads the copy from where it was when copytruncate rotates, whether or not the glob has the copy',
    { tags: ['long'] },
    async () => {
      for (const pattern of ['*.log', 'app*']) {
        await rm(checkpoints, { force: true })
        await writeFile(file, numbered(0, 100))
        const command = await follow(['--from-start'], join(folder, pattern))
        receiver.records.length = 0
        await vi.waitFor(() => expect(receiver.records.length).toBeGreaterThanOrEqual(100), WAIT)
        await appendFile(file, numbered(100, 110))
        await copyFile(file, join(folder, 'app.log.1'))
        await truncate(file)
        await appendFile(file, numbered(110, 120))
        expect((await numbers(120)).toSorted((a, b) => a - b)).toEqual(range(0, 120))
        await delay(1500)
        expect(receiver.records).toHaveLength(120)
        await stop(command)
        await unlink(join(folder, 'app.log.1'))
        receiver.records.length = 0
      }
    },
  )

  test('starts a truncated file again and says so when there is no copy', async () => {
    await writeFile(file, '')
    const command = await follow()
    await appendFile(file, 'one\nhalf')
    await receiver.bodies(1)
    await delay(400)
    await writeFile(file, 'new\n')
    await command.printed('was truncated or replaced at byte 4')
    expect(await receiver.bodies(3)).toEqual(['one', 'half', 'new'])
    await stop(command)
  })

  test('notices a truncation when the file has grown beyond its old size since', async () => {
    await writeFile(file, 'one\n')
    const command = await follow()
    await writeFile(file, 'another, and longer\n')
    expect(await receiver.bodies(1)).toEqual(['another, and longer'])
    await command.printed('was truncated')
    await stop(command)
  })

  test('notices after a restart that a file was replaced under its inode', async () => {
    await writeFile(file, 'one\n')
    const first = await follow(['--from-start'])
    await receiver.bodies(1)
    await stored(4)
    await stop(first)
    await writeFile(file, 'another, and longer\n')
    const second = await follow()
    expect(await receiver.bodies(2)).toEqual(['one', 'another, and longer'])
    expect(second.stderr()).toContain('was truncated or replaced since the last run')
    await stop(second)
  })

  test('reads every file of several with equal beginnings', { tags: ['long'] }, async () => {
    const beginning = numbered(0, 100)
    await writeFile(file, beginning)
    const command = await follow(['--from-start'])
    await receiver.bodies(100)
    await stored(beginning.length)
    await writeFile(join(folder, 'other.log'), `${beginning}end\n`)
    expect(await receiver.bodies(201)).toHaveLength(201)
    await stop(command)
  })

  test('leaves compressed files alone', async () => {
    const command = await follow([], join(folder, 'app.log*'))
    await writeFile(join(folder, 'app.log.2.gz'), gzipSync('compressed\n'))
    await writeFile(file, 'plain\n')
    expect(await receiver.bodies(1)).toEqual(['plain'])
    await stop(command)
  })

  test(
    'refuses a file in UTF-16 and says what to do, and converts it when --encoding is given',
    { tags: ['long'] },
    async () => {
      const text = Buffer.from('\uFEFFgrün\nrot\n', 'utf16le')
      await writeFile(file, text)
      const first = await follow(['--from-start'])
      await first.printed('Give --encoding utf-16le')
      await stop(first)
      await rm(checkpoints)
      const second = await follow(['--from-start', '--encoding', 'utf-16le'])
      expect(await receiver.bodies(2)).toEqual(['grün', 'rot'])
      await stored(text.length)
      await stop(second)
      await appendFile(file, Buffer.from('blau\n', 'utf16le'))
      const third = await follow(['--encoding', 'utf-16le'])
      expect(await receiver.bodies(3)).toEqual(['grün', 'rot', 'blau'])
      await stop(third)
    },
  )

  test('reads through symbolic links, and finds rotated files in the folder of their target', async () => {
    const target = join(folder, 'pod')
    await mkdir(target)
    await writeFile(join(target, '0.log'), '')
    await symlink(join(target, '0.log'), file)
    const command = await follow()
    await appendFile(join(target, '0.log'), 'one\n')
    await receiver.bodies(1)
    await rename(join(target, '0.log'), join(target, '0.log.20261129-100000'))
    await appendFile(join(target, '0.log.20261129-100000'), 'two\n')
    await writeFile(join(target, '0.log'), 'three\n')
    expect(await sorted(3)).toEqual(['one', 'three', 'two'])
    await stop(command)
  })

  test('takes the name of the service from the path when --service-from is given', async () => {
    await mkdir(join(folder, 'shop'))
    await mkdir(join(folder, 'stock'))
    const command = await follow(['--service-from', '/([^/]+)/[^/]+\\.log$'], join(folder, '*', '*.log'))
    await writeFile(join(folder, 'shop', 'a.log'), 'of the shop\n')
    await writeFile(join(folder, 'stock', 'a.log'), 'of the stock\n')
    await receiver.bodies(2)
    const services = receiver.records.map(({ body, resource }) => [body, resource.attributes['service.name']])
    expect(new Set(services.map(String))).toEqual(new Set(['of the shop,shop', 'of the stock,stock']))
    await stop(command)
  })

  test(
    'ends the last line of a file that was removed, and forgets the file',
    { tags: ['long'] },
    async () => {
      await writeFile(file, '')
      const command = await follow()
      await appendFile(file, 'half')
      await delay(400)
      await unlink(file)
      expect(await receiver.bodies(1)).toEqual(['half'])
      await stop(command)
    },
  )

  test('says that checkpoints cannot be written, and sends on', async () => {
    await writeFile(file, '')
    const command = await follow()
    await rm(join(folder, 'state'), { recursive: true })
    await writeFile(join(folder, 'state'), '')
    await appendFile(file, 'one\n')
    await command.printed('checkpoints cannot be written')
    expect(await receiver.bodies(1)).toEqual(['one'])
    await stop(command)
  })

  test(
    'says that another command writes the same checkpoints, and sends on',
    { tags: ['long'] },
    async () => {
      await writeFile(file, '')
      const [first, second] = [await follow(), await follow()]
      await appendFile(file, 'one\n')
      await vi.waitFor(async () => {
        await appendFile(file, 'more\n')
        expect(first.stderr() + second.stderr()).toContain('another command has written them')
      }, WAIT)
      expect((await receiver.bodies(4)).slice(0, 2)).toContain('one')
      await stop(first)
      await stop(second)
    },
  )

  test('reads 1,000 files at once', { tags: ['long'] }, async () => {
    const command = await follow()
    const files = Array.from({ length: 1000 }, (_, index) => join(folder, `${index}.log`))
    await Promise.all(files.map((path, index) => writeFile(path, `first of ${index}\n`)))
    expect(new Set(await receiver.bodies(1000)).size).toBe(1000)
    await Promise.all(files.map((path, index) => appendFile(path, `second of ${index}\n`)))
    expect(new Set(await receiver.bodies(2000)).size).toBe(2000)
    await stop(command)
  })
})

// A superuser may read every file.
describe.skipIf(process.getuid?.() === 0)('logbridge-pipe follow without permission', () => {
  test('reads a file as soon as its permissions come', async () => {
    await writeFile(file, 'old\n', { mode: 0 })
    onTestFinished(() => chmod(file, 0o600).catch(() => {}))
    const command = await follow()
    await command.printed('cannot be read, and is tried again')
    await chmod(file, 0o600)
    await appendFile(file, 'new\n')
    expect(await receiver.bodies(1)).toEqual(['new'])
    await stop(command)
  })
})
