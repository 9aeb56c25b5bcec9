import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Checkpoint } from '../../src/follow/checkpoints.ts'
import { FollowedFiles } from '../../src/follow/followedFiles.ts'
import { createLineReader } from '../../src/reader.ts'
import { temporaryFolder } from '../startCommand.ts'

let folder: string
let log: string

beforeEach(async () => {
  folder = await temporaryFolder()
  log = join(folder, 'app.log')
})

/** One run of a follower, without its timers. */
interface Run {
  /** Lines that were read so far, each with the path that its record has. */
  readonly lines: string[]
  readonly messages: string[]
  /** Looks for files, as each second. */
  look(): Promise<void>
  /** Reads all files to their ends. */
  read(): Promise<void>
  /** Checkpoints when all lines so far are acknowledged. */
  checkpoints(): Checkpoint[]
  /** Checkpoints when no further line is acknowledged. */
  checkpointsBefore(): Checkpoint[]
  /** Closes the rotated files, as 5 s after their last line. */
  closeRotated(): void
}

/** Starts a run. `kill -9` is the start of the next one with older checkpoints. */
async function start(previous?: readonly Checkpoint[], pattern = log): Promise<Run> {
  const lines: string[] = []
  const messages: string[] = []
  const files = new FollowedFiles(
    {
      patterns: [pattern],
      fromStart: true,
      encoding: undefined,
      createReader: (path) =>
        createLineReader({
          format: 'json',
          onRecord: (record) =>
            'body' in record && lines.push(`${path.slice(folder.length + 1)}: ${String(record.body)}`),
        }),
      say: (_key, message) => messages.push(message),
    },
    previous,
  )
  onTestFinished(() => {
    for (const file of files.files) file.close()
  })
  await files.look()
  return {
    lines,
    messages,
    look: () => files.look(),
    async read() {
      for (const file of files.files) {
        let result
        do {
          result = await file.readNext(Buffer.alloc(66_000), (reader, bytes) => reader.write(bytes))
          if (result === 'truncated') files.onTruncated(file)
        } while (result !== 'unchanged')
      }
    },
    checkpoints() {
      for (const file of files.files) {
        const position = file.takePosition()
        if (position) file.commit(position)
      }
      return files.checkpoints()
    },
    checkpointsBefore: () => files.checkpoints(),
    closeRotated() {
      for (const file of files.files) if (!file.hasName) file.close()
    },
  }
}

/** Starts a run, and reads all files to their ends. */
async function startAndRead(previous?: readonly Checkpoint[], pattern?: string): Promise<Run> {
  const run = await start(previous, pattern)
  await run.read()
  return run
}

/** Writes a log with one line, and reads the line in its first run. */
function startWithOne(): Promise<Run> {
  writeFileSync(log, line('one'))
  return startAndRead()
}

/** Line that is longer than a fingerprint. */
const line = (name: string): string => `${JSON.stringify({ message: name, filler: name.repeat(500) })}\n`

/** Rotates the log as logrotate's `create` does: `app.log` becomes `app.log.1`, that one `app.log.2`. */
function rotate(content = ''): void {
  rotateAway()
  writeFileSync(log, content)
}

function rotateAway(): void {
  for (let number = 8; number > 0; number -= 1) renameIfThere(`${log}.${number}`, `${log}.${number + 1}`)
  renameSync(log, `${log}.1`)
}

/** Rotates the log as logrotate's `copytruncate` does. */
function copyAndTruncate(content = ''): void {
  renameIfThere(`${log}.1`, `${log}.2`)
  copyFileSync(log, `${log}.1`)
  writeFileSync(log, content)
}

function renameIfThere(from: string, to: string): void {
  if (existsSync(from)) renameSync(from, to)
}

/** Checkpoint of a log that was read to its end and removed, whose inode another file has now. */
function withInodeOf(path: string, checkpoint: Checkpoint): Checkpoint {
  const { dev, ino } = statSync(path)
  return { ...checkpoint, id: `${dev}:${ino}` }
}

describe('FollowedFiles', () => {
  test('finds all files of a rotated log when it was killed after a look at which the log had no file', async () => {
    const first = await startWithOne()
    rotateAway()
    const second = await startAndRead(first.checkpoints())
    writeFileSync(log, line('two'))
    rotate(line('three'))
    rotate(line('four'))
    const third = await startAndRead(second.checkpoints())
    expect(third.lines.toSorted()).toEqual(['app.log: four', 'app.log: three', 'app.log: two'])
  })

  test('gives lines of rotated files the path of their log when it was started again', async () => {
    const first = await startWithOne()
    appendFileSync(log, line('two'))
    rotate(line('three'))
    rotate(line('four'))
    const second = await startAndRead(first.checkpoints())
    expect(second.lines).toEqual(['app.log: two', 'app.log: three', 'app.log: four'])
  })

  test('finds rotated files in the folder of the target when the log is a symbolic link and was rotated twice before a start', async () => {
    const target = join(folder, 'pod')
    mkdirSync(target)
    const link = log
    log = join(target, '0.log')
    writeFileSync(log, line('one'))
    symlinkSync(log, link)
    const first = await startAndRead(undefined, link)
    appendFileSync(log, line('two'))
    rotate(line('three'))
    rotate(line('four'))
    const second = await startAndRead(first.checkpoints(), link)
    expect(second.lines).toEqual(['app.log: two', 'app.log: three', 'app.log: four'])
  })

  test.each(['running', 'down'])(
    'reads a file that came and went while it was %s when the file has the inode of a removed one',
    async (state) => {
      const first = await startWithOne()
      const [checkpoint] = first.checkpoints() as [Checkpoint]
      mkdirSync(join(folder, 'spare'))
      const reused = join(folder, 'spare', 'file')
      writeFileSync(reused, line('two'))
      const removed = { ...withInodeOf(reused, checkpoint), isDone: true }
      const previous = [{ ...removed, tail: { ...removed.tail, hash: 'other' } }, checkpoint]
      const before = state === 'down' ? undefined : await start(previous)
      rotateAway()
      renameSync(reused, log)
      rotate(line('three'))
      const run = before ?? (await start(previous))
      await run.look()
      await run.read()
      expect(run.lines.toSorted()).toEqual(['app.log: three', 'app.log: two'])
      expect(run.messages).toEqual([])
    },
  )

  test('reads no file of another program when the file has the inode of a removed log', async () => {
    const first = await startWithOne()
    const [checkpoint] = first.checkpoints() as [Checkpoint]
    const other = join(folder, 'other.db')
    writeFileSync(other, line('of another program'))
    rmSync(log)
    for (const reused of [
      checkpoint,
      { ...checkpoint, offset: 0, head: { bytes: 0, hash: checkpoint.head.hash }, tail: checkpoint.tail },
    ]) {
      const run = await startAndRead([withInodeOf(other, reused)])
      expect(run.lines).toEqual([])
    }
  })

  test('says once which lines are lost when a file was removed while it was down', async () => {
    const first = await startWithOne()
    appendFileSync(log, line('two'))
    rotateAway()
    rmSync(`${log}.1`)
    writeFileSync(log, line('three'))
    const second = await startAndRead(first.checkpoints())
    expect(second.lines).toEqual(['app.log: three'])
    expect(second.messages).toEqual([
      `a file of ${log} was removed since the last run; lines that were written to it after byte ${line('one').length} are lost`,
    ])
    const third = await start(second.checkpoints())
    expect(third.messages).toEqual([])
  })

  test('says nothing when a rotated file was removed while it was down, or its inode was used again, after it was read', async () => {
    const first = await startWithOne()
    rotate(line('two'))
    await first.look()
    await first.read()
    const previous = first.checkpoints()
    rmSync(`${log}.1`)
    expect((await start(previous)).messages).toEqual([])
    const reused = { ...withInodeOf(log, previous[0]!), tail: { bytes: 1024, hash: 'other' } }
    const third = await startAndRead([reused])
    expect(third).toMatchObject({ lines: ['app.log: two'], messages: [] })
  })

  test('says nothing when an empty file was removed while it ran', async () => {
    writeFileSync(log, '')
    const first = await start()
    await first.read()
    first.checkpoints()
    rmSync(log)
    await first.look()
    await first.read()
    first.closeRotated()
    await first.look()
    const second = await start(first.checkpoints())
    expect(second.messages).toEqual([])
  })

  test('reads no file again when it has more files than the number of checkpoints that it keeps, and one was removed', async () => {
    const names = Array.from({ length: 30 }, (_, index) => join(folder, `${index}.log`))
    for (const name of names) writeFileSync(name, line(name))
    const first = await startAndRead(undefined, join(folder, '*.log'))
    const [one, ...others] = first.checkpoints()
    const gone = Array.from({ length: 12_000 }, (_, index) => ({ ...one!, id: `0:${index}`, isDone: true }))
    rmSync(one!.path)
    const second = await startAndRead([...others, ...gone, one!], join(folder, '*.log'))
    expect(second.lines).toEqual([])
    expect(second.checkpoints().length).toBeLessThan(10_100)
  })

  test('reads on in a rotated file that is found under any name beside its log', async () => {
    const first = await startWithOne()
    appendFileSync(log, line('two'))
    renameSync(log, join(folder, 'kept for Ann'))
    const second = await startAndRead(first.checkpoints())
    expect(second.lines).toEqual(['app.log: two'])
  })

  test('finds a file that came and went between two looks when the file before it was written to for longer', async () => {
    const run = await startWithOne()
    rotate(line('two'))
    rotate(line('three'))
    appendFileSync(`${log}.2`, line('late'))
    utimesSync(`${log}.2`, Date.now() / 1000 + 60, Date.now() / 1000 + 60)
    await run.look()
    await run.read()
    expect(run.lines.toSorted()).toEqual(['app.log: late', 'app.log: one', 'app.log: three', 'app.log: two'])
  })

  test('reads a line that came to a rotated file after its end when the log is rotated again', async () => {
    const run = await startWithOne()
    rotate(line('two'))
    await run.look()
    await run.read()
    run.checkpoints()
    run.closeRotated()
    await run.look()
    appendFileSync(`${log}.1`, line('late'))
    rotate(line('three'))
    await run.look()
    await run.read()
    expect(run.lines.toSorted()).toEqual(['app.log: late', 'app.log: one', 'app.log: three', 'app.log: two'])
  })

  test('tries a rotated file again at each look when it could not be opened', async () => {
    chmodSync(folder, 0o755)
    const run = await startWithOne()
    rotate(line('two'))
    rotate(line('three'))
    chmodSync(`${log}.1`, 0)
    await asOtherUser(() => run.look())
    await asOtherUser(() => run.look())
    chmodSync(`${log}.1`, 0o644)
    await run.look()
    await run.read()
    expect(run.lines.toSorted()).toEqual(['app.log: one', 'app.log: three', 'app.log: two'])
  })

  test('keeps no checkpoint behind when copytruncate leaves a copy that was read to its end before', async () => {
    const run = await startWithOne()
    copyAndTruncate()
    await run.read()
    const [file, copy] = run.checkpoints()
    expect([file!.offset, copy!.offset]).toEqual([0, line('one').length])
    const next = await start(run.checkpoints())
    await next.look()
    await next.read()
    expect(next.lines).toEqual([])
  })

  test('reads a line again in the copy when the line was read before copytruncate, and was not acknowledged', async () => {
    const first = await startWithOne()
    copyAndTruncate(line('two'))
    await first.read()
    expect(first.lines).toEqual(['app.log: one', 'app.log: two'])
    const second = await startAndRead(first.checkpointsBefore())
    expect(second.lines.toSorted()).toEqual(['app.log: one', 'app.log: two'])
  })

  test('reads the rest of a log in its copy when copytruncate rotates it twice while it is down', async () => {
    const first = await startWithOne()
    const previous = first.checkpoints()
    for (const name of ['two', 'three']) {
      appendFileSync(log, line(name))
      copyAndTruncate()
    }
    appendFileSync(log, line('four'))
    const second = await startAndRead(previous)
    expect(second.lines.toSorted()).toEqual(['app.log: four', 'app.log: three', 'app.log: two'])
    expect(second.messages).toEqual([
      `${log} was truncated or replaced since the last run; it is read from its beginning, and a rotated copy from byte ${line('one').length}`,
    ])
  })

  test('reads the copy of a log that was copied and truncated while it was down when no line was acknowledged before', async () => {
    writeFileSync(log, line('one'))
    const first = await start()
    const previous = first.checkpoints()
    copyAndTruncate(line('two'))
    const second = await startAndRead(previous)
    expect(second.lines.toSorted()).toEqual(['app.log: one', 'app.log: two'])
  })

  test('says nothing of a truncation when a look has found the copy before', async () => {
    const run = await startWithOne()
    for (const name of ['two', 'three']) {
      renameIfThere(`${log}.1`, `${log}.2`)
      copyFileSync(log, `${log}.1`)
      // A look after the first truncation finds the second copy.
      if (name === 'three') await run.look()
      writeFileSync(log, line(name))
      await run.read()
    }
    expect(new Set(run.lines)).toEqual(new Set(['app.log: one', 'app.log: three', 'app.log: two']))
    expect(run.messages).toEqual([])
  })

  test('reads every copy of a log that was copied and truncated twice between two reads', async () => {
    const run = await startWithOne()
    for (const name of ['two', 'three']) copyAndTruncate(line(name))
    utimesSync(log, Date.now() / 1000 + 60, Date.now() / 1000 + 60)
    await run.look()
    await run.read()
    expect(run.lines.toSorted()).toEqual(['app.log: one', 'app.log: three', 'app.log: two'])
    expect(run.messages).toEqual([])
  })

  test('skips nothing of a log that was replaced between the last read and the storing of its checkpoint', async () => {
    writeFileSync(log, line('one'))
    const first = await start()
    first.checkpoints()
    await first.read()
    writeFileSync(log, line('two') + line('three'))
    const second = await startAndRead(first.checkpoints())
    expect(second.lines).toEqual(['app.log: two', 'app.log: three'])
  })

  test('counts the bytes that were seen and are lost when copytruncate rotates a log that is read slowly', async () => {
    const run = await startWithOne()
    appendFileSync(log, line('two'))
    copyFileSync(log, `${log}.1`)
    appendFileSync(log, line('lost'))
    await run.look()
    truncateSync(log)
    await run.read()
    expect(run.lines).toEqual(['app.log: one', 'app.log: two'])
    expect(run.messages).toEqual([
      `${log} was truncated after it was copied; lines that were written between copy and truncation, at least ${line('lost').length} bytes, are lost`,
    ])
  })

  test('counts the bytes that were seen and are lost when a log that is read slowly was truncated without a copy', async () => {
    const run = await startWithOne()
    appendFileSync(log, line('lost'))
    await run.look()
    truncateSync(log)
    await run.read()
    expect(run.messages).toEqual([expect.stringContaining(`at least ${line('lost').length} bytes, are lost`)])
  })
})

/** Runs as a user who may read no file of another user, when this process is that of the superuser. */
async function asOtherUser(task: () => Promise<void>): Promise<void> {
  const isSuperuser = process.geteuid?.() === 0
  if (isSuperuser) process.seteuid?.(65_534)
  try {
    await task()
  } finally {
    if (isSuperuser) process.seteuid?.(0)
  }
}
