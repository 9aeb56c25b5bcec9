/**
 * Files by which the commands find the running viewers of this user and their tokens, one a viewer, in a folder that only this user can
 * read: `logbridge-viewer` in XDG_RUNTIME_DIR, else `logbridge-viewer-<user id>` in the temporary folder.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'

export interface RunningViewer {
  /** Address of the page, without its token. */
  url: string
  token: string | undefined
}

export interface Announcement {
  /** Page on the disk that leads to the viewer, so that the token is in no list of processes. */
  redirectFile?: string
  /** Reason why the commands cannot find the viewer. */
  problem?: string
  end(): void
}

interface Entry extends RunningViewer {
  pid: number
  startedMillis: number
}

/** Writes the file of a viewer. `end` removes the file. */
export function announceViewer({ url, token }: RunningViewer): Announcement {
  const folder = viewerFolder()
  const name = join(folder, String(process.pid))
  const files = [`${name}.json`, `${name}.html`]
  const end = (): void => {
    for (const file of files) rmSync(file, { force: true })
  }
  const entry: Entry = { url, token, pid: process.pid, startedMillis: Date.now() }
  const target = token === undefined ? url : `${url}?token=${token}`
  const redirect = `<!doctype html><meta http-equiv="refresh" content="0;url=${target}">\n`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    checkOwner(folder)
    // A crashed process with this id has left its files.
    end()
    for (const [at, content] of [JSON.stringify(entry), redirect].entries()) {
      writeFileSync(files[at]!, content, { mode: 0o600, flag: 'wx' })
    }
  } catch (error) {
    return { problem: (error as Error).message, end: () => {} }
  }
  return { redirectFile: files[1]!, end }
}

/** Returns the viewers of this user that run, the newest first. Removes the files of those that have ended. */
export function findViewers(): RunningViewer[] {
  const folder = viewerFolder()
  let names: string[]
  try {
    checkOwner(folder)
    names = readdirSync(folder).filter((name) => /^\d+\.json$/.test(name))
  } catch {
    return []
  }
  const entries = names.flatMap((name) => readEntry(join(folder, name)))
  const running = entries.filter(({ pid }) => isRunning(pid))
  for (const { pid } of entries) {
    if (!isRunning(pid))
      for (const kind of ['json', 'html']) rmSync(join(folder, `${pid}.${kind}`), { force: true })
  }
  return running.toSorted((a, b) => b.startedMillis - a.startedMillis)
}

function viewerFolder(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'] ?? ''
  // Windows has a temporary folder for each user, and no user ids.
  return isAbsolute(runtime)
    ? join(runtime, 'logbridge-viewer')
    : join(tmpdir(), `logbridge-viewer-${process.getuid?.() ?? userInfo().username}`)
}

/** Throws when another user made the folder or can open it. */
function checkOwner(folder: string): void {
  const stats = lstatSync(folder)
  if (!stats.isDirectory()) throw new Error(`${folder} is no folder`)
  if (process.getuid === undefined) return
  if (stats.uid !== process.getuid()) throw new Error(`${folder} belongs to another user`)
  if ((stats.mode & 0o077) !== 0)
    throw new Error(`other users can open ${folder}; run chmod 700 on the folder`)
}

function readEntry(file: string): Entry[] {
  try {
    return [JSON.parse(readFileSync(file, 'utf8')) as Entry]
  } catch {
    // The viewer is writing or removing its file.
    return []
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
