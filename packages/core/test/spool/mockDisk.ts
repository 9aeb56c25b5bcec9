import * as fs from 'node:fs'
import type { FileHandle, Fs } from '../../src/spool/files.ts'

export interface MockFs extends Fs {
  /** Names of the operations so far. */
  readonly done: string[]
}

/**
 * Mocks a disk, because no real disk fails at a chosen operation. The operations run on the real file system, and operation
 * number n fails when `fails(n)`. A failing write writes half of its bytes.
 * @param short writes are cut short to half of their bytes
 */
export function diskThat(fails: (number: number) => boolean, code = 'ENOSPC', short = false): MockFs {
  const done: string[] = []
  const isDue = (name: string): boolean => {
    done.push(name)
    return fails(done.length - 1)
  }
  const error = (name: string): Error => Object.assign(new Error(`${code}: mock, ${name}`), { code })
  const half = (chunks: readonly NodeJS.ArrayBufferView[]): Uint8Array[] => {
    const bytes = Buffer.concat(chunks as Uint8Array[])
    return [bytes.subarray(0, Math.ceil(bytes.length / 2))]
  }
  const wrap = <Call extends (...given: never[]) => unknown>(name: string, call: Call): Call =>
    ((...given: never[]) => {
      if (isDue(name)) throw error(name)
      return call(...given)
    }) as Call
  const wrapAsync = <Call extends (...given: never[]) => Promise<unknown>>(name: string, call: Call): Call =>
    (async (...given: never[]) => {
      if (isDue(name)) throw error(name)
      return call(...given)
    }) as Call
  const wrapFile = (file: FileHandle): FileHandle => {
    const { writev } = file
    return Object.assign(file, {
      writev: async (chunks: Uint8Array[], position: number) => {
        const due = isDue('writev')
        const result = await writev.call(file, due || short ? half(chunks) : chunks, position)
        if (due) throw error('writev')
        return result
      },
      datasync: wrapAsync('datasync', file.datasync.bind(file)),
      sync: wrapAsync('sync', file.sync.bind(file)),
      truncate: wrapAsync('truncate', file.truncate.bind(file)),
      stat: wrapAsync('stat', file.stat.bind(file)),
    })
  }
  const { promises } = fs
  return {
    ...fs,
    done,
    readdirSync: wrap('readdirSync', fs.readdirSync),
    openSync: wrap('openSync', fs.openSync),
    closeSync: (fd) => {
      fs.closeSync(fd)
      if (isDue('closeSync')) throw error('closeSync')
    },
    mkdirSync: wrap('mkdirSync', fs.mkdirSync),
    writeFileSync: wrap('writeFileSync', fs.writeFileSync),
    fdatasyncSync: wrap('fdatasyncSync', fs.fdatasyncSync),
    fsyncSync: wrap('fsyncSync', fs.fsyncSync),
    unlinkSync: wrap('unlinkSync', fs.unlinkSync),
    writevSync: (fd, chunks, position) => {
      const due = isDue('writevSync')
      const written = fs.writevSync(fd, due || short ? half(chunks) : chunks, position)
      if (due) throw error('writevSync')
      return written
    },
    promises: {
      ...promises,
      open: wrapAsync('open', async (...given: Parameters<typeof promises.open>) =>
        wrapFile(await promises.open(...given)),
      ),
      mkdir: wrapAsync('mkdir', promises.mkdir),
      writeFile: wrapAsync('writeFile', promises.writeFile),
      readdir: wrapAsync('readdir', promises.readdir),
      unlink: wrapAsync('unlink', promises.unlink),
    },
  }
}
