import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdir, open, readFile, rename, rm, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { type Command, startCommand, startReceiver, temporaryFolder, WAIT } from './startCommand.ts'

const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0

/** Mounts a disk of a few kilobytes on a folder that the command alone sees. */
function smallDisk(folder: string, kilobytes: number): readonly string[] {
  const script = `mount -t tmpfs -o size=${kilobytes}k none "$0" && exec "$@"`
  return ['unshare', '-Urm', 'sh', '-c', script, folder]
}

/** Makes an empty log, and a function that starts to follow the log with the checkpoints of the start before. */
async function emptyLog(env: NodeJS.ProcessEnv): Promise<{ file: string; follow: () => Promise<Command> }> {
  const folder = await temporaryFolder()
  const file = join(folder, 'app.log')
  await writeFile(file, '')
  const options = ['--checkpoints', join(folder, 'checkpoints.json'), '--scheduled-delay-millis', '50']
  return {
    file,
    async follow() {
      const command = startCommand(['follow', file, ...options], env)
      await command.printed('following')
      return command
    },
  }
}

/** Returns the path of a file on the disk of a command. */
const onDisk = (command: Command, path: string): string =>
  join('/proc', String(command.child.pid), 'root', path)

describe.skipIf(!canMount)('logbridge-pipe with a full disk', () => {
  test(
    'sends all lines, and keeps its last checkpoint until a newer one has room',
    { tags: ['long'] },
    async () => {
      const { env, bodies } = await startReceiver()
      const folder = await temporaryFolder()
      const state = join(folder, 'state')
      await mkdir(state)
      const checkpoints = join(state, 'checkpoints.json')
      const file = join(folder, 'app.log')
      await writeFile(file, '')
      const options = ['--checkpoints', checkpoints, '--scheduled-delay-millis', '50']
      const command = startCommand(['follow', file, ...options], env, { wrapper: smallDisk(state, 64) })
      await command.printed('following')
      const offset = async (): Promise<number> =>
        (JSON.parse(await readFile(onDisk(command, checkpoints), 'utf8')) as { files: { offset: number }[] })
          .files[0]!.offset
      await appendFile(file, 'one\n')
      await vi.waitFor(async () => expect(await offset()).toBe(4), WAIT)
      const filling = onDisk(command, join(state, 'other'))
      await expect(writeFile(filling, Buffer.alloc(100_000))).rejects.toThrow('ENOSPC')
      await appendFile(file, 'two\n')
      await command.printed('checkpoints cannot be written')
      expect(await bodies(2)).toEqual(['one', 'two'])
      expect(await offset()).toBe(4)
      await rm(filling)
      await vi.waitFor(async () => expect(await offset()).toBe(8), WAIT)
      command.child.kill('SIGTERM')
      expect(await command.end()).toBe(0)
    },
  )

  test('stops reading and loses no line when the spool has no room and the receiver is down', async () => {
    const { env, viewer } = await startReceiver()
    const port = viewer.grpcPort
    await viewer.close()
    const spool = await temporaryFolder()
    const options = ['--quiet', '--spool', spool, '--max-queue-bytes', '4000000']
    const command = startCommand(options, env, { wrapper: smallDisk(spool, 2048) })
    const lines = Array.from(
      { length: 20_000 },
      (_, index) => `${index} ${randomBytes(500).toString('base64')}`,
    )
    command.child.stdin!.write(`${lines.join('\n')}\n`)
    await command.printed('writing to the spool')
    await delay(300)
    expect(command.child.stdin!.writableLength).toBeGreaterThan(2_000_000)
    const again = await startReceiver(port)
    expect(await command.end()).toBe(0)
    expect(new Set(await again.bodies(lines.length))).toEqual(new Set(lines))
    expect(command.stderr().match(/writing to the spool/g)).toHaveLength(1)
  })
})

describe('logbridge-pipe when the clock jumps', () => {
  /** Sets the clock of a process back by a day, ten times a second. */
  const clock = `data:text/javascript,${encodeURIComponent(`
    const Real = Date
    let offset = 0
    setInterval(() => (offset -= 86400000), 100).unref()
    globalThis.Date = class extends Real {
      constructor(...args) { args.length === 0 ? super(Real.now() + offset) : super(...args) }
      static now() { return Real.now() + offset }
    }`)}`
  const NODE_OPTIONS = `--import ${clock}`
  const LONG_AGO = 1_700_000_000

  test('delivers the lines of stdin before the next line comes, with their continuation lines', async () => {
    const { env, bodies } = await startReceiver()
    const command = startCommand(['--scheduled-delay-millis', '50'], { ...env, NODE_OPTIONS })
    const texts = ['first', 'second'].map((name) => `Error ${name}\n    at main`)
    for (const [index, text] of texts.entries()) {
      command.child.stdin!.write(`${text}\n`)
      expect(await bodies(index + 1)).toEqual(texts.slice(0, index + 1))
    }
    expect(await command.end()).toBe(0)
  })

  test(
    'reads on in a file, in the rotated one, and in the next one when they are older than the checkpoint',
    { tags: ['long'] },
    async () => {
      const { env, bodies } = await startReceiver()
      const { file, follow } = await emptyLog({ ...env, NODE_OPTIONS })
      const first = await follow()
      await appendFile(file, 'one\n')
      await bodies(1)
      await appendFile(file, 'two\n')
      await utimes(file, LONG_AGO, LONG_AGO)
      await bodies(2)
      first.child.kill('SIGTERM')
      await first.end()
      await appendFile(file, 'three\n')
      await rename(file, `${file}.1`)
      await writeFile(file, 'four\n')
      for (const path of [`${file}.1`, file]) await utimes(path, LONG_AGO - 1, LONG_AGO - 1)
      const second = await follow()
      expect(new Set(await bodies(4))).toEqual(new Set(['one', 'two', 'three', 'four']))
      second.child.kill('SIGTERM')
      expect(await second.end()).toBe(0)
    },
  )
})

test(
  'logbridge-pipe follow sends what a file has when that is NUL bytes, invalid UTF-8, a line of 100 MB, and half an object at its end',
  { tags: ['long'] },
  async () => {
    const { env, records } = await startReceiver()
    const log = await emptyLog(env)
    const command = await log.follow()
    const file = await open(log.file, 'a')
    await file.write(
      Buffer.concat([
        Buffer.alloc(10_000),
        Buffer.from('after NUL\n\0\0\n'),
        Buffer.from([0xc3, 0x28, 0x0a]),
      ]),
    )
    for (let i = 0; i < 100; i += 1) await file.write(Buffer.alloc(1_000_000, 'x'))
    await file.write('\n{"message":"who')
    await file.close()
    await unlink(log.file)
    await vi.waitFor(
      () =>
        expect(records.map(({ body }) => String(body).slice(0, 20))).toEqual([
          'after NUL',
          '\uFFFD(',
          'x'.repeat(20),
          '{"message":"who',
        ]),
      WAIT,
    )
    expect(records.map(({ attributes }) => attributes['logbridge.line.truncated'])).toEqual([
      undefined,
      undefined,
      true,
      undefined,
    ])
    command.child.kill('SIGTERM')
    expect(await command.end()).toBe(0)
  },
)
