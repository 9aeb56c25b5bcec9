import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { rootFolder, run } from './run.ts'

/** Steps of a document that a reader follows in an empty folder. */
export interface Walkthrough {
  /** Document and place in it. */
  readonly title: string
  readonly steps: readonly Step[]
}

type Step =
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'file'; readonly name: string; readonly content: string }
  /** Lines that the viewer prints. */
  | { readonly kind: 'output'; readonly text: string }

/** Result of a walkthrough. */
export interface Followed {
  /** Lines that the document promises, and those that the viewer printed, both as `comparable` lines. */
  readonly expected: readonly string[]
  readonly printed: readonly string[]
  /** Standard output and error of the commands. */
  readonly output: string
  readonly files: number
  readonly installMillis: number
  readonly runMillis: number
}

const VIEWER = 'npx @logbridge/viewer'
const BLOCK = /^```(?<language>\w+)\n(?<text>.*?)^```/gms
const FILE_NAME = /^\/\/ (?<name>[\w.-]+)\n/

const DOCUMENTS = [
  'README.md',
  ...['auto', 'core', 'winston', 'pino', 'bunyan', 'log4js', 'console'].map(
    (name) => `packages/${name}/README.md`,
  ),
]

/** Reads the Start of README.md and of each package. */
export async function readStarts(): Promise<Walkthrough[]> {
  const starts = await Promise.all(
    DOCUMENTS.map(async (path) => walkthroughsOf(path, sectionOf(await readDocument(path), '## Start'))),
  )
  return starts.flat()
}

/** Reads a document, relative to the root of the repository. */
export function readDocument(path: string): Promise<string> {
  return readFile(join(rootFolder, path), 'utf8')
}

/** Returns the text below a heading, up to the next heading of the same or a higher level. */
function sectionOf(document: string, heading: string): string {
  const lines = document.split('\n')
  const start = lines.indexOf(heading)
  if (start < 0) throw new Error(`no heading ${heading}`)
  const level = heading.indexOf(' ')
  let fenced = false
  const length = lines.slice(start + 1).findIndex((line) => {
    if (line.startsWith('```')) fenced = !fenced
    const hashes = /^#+(?= )/.exec(line)?.[0].length ?? Infinity
    return !fenced && hashes <= level
  })
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join('\n')
}

const DETAILS = /^<details>\n<summary>(?<summary>.*?)<\/summary>\n(?<content>.*?)^<\/details>$/gms

/**
 * Returns the walkthroughs of a section: the section itself, and each `<details>` in it. A `<details>` takes the commands
 * that start the viewer from the section.
 */
function walkthroughsOf(path: string, section: string): Walkthrough[] {
  const main = { title: path, steps: stepsOf(section.replaceAll(DETAILS, '')) }
  const viewer = main.steps.filter((step) => step.kind === 'command' && step.command.startsWith(VIEWER))
  const details = [...section.matchAll(DETAILS)].map(({ groups }) => ({
    title: `${path}, ${groups!['summary']}`,
    steps: [...viewer, ...stepsOf(groups!['content']!)],
  }))
  return [main, ...details]
}

function stepsOf(markdown: string): Step[] {
  return [...markdown.matchAll(BLOCK)].flatMap(({ groups }): Step[] => {
    const { language, text } = groups as { language: string; text: string }
    if (language === 'sh') return commandsOf(text)
    if (language === 'text') return [{ kind: 'output', text }]
    const name = FILE_NAME.exec(text)?.groups!['name']
    return name === undefined ? [] : [{ kind: 'file', name, content: text }]
  })
}

function commandsOf(text: string): Step[] {
  const lines = text.replaceAll('\\\n', '').split('\n').filter(Boolean)
  return lines.map((command) => ({ kind: 'command', command }))
}

/**
 * Follows a walkthrough in an empty folder, as printed. The viewer listens on free ports, which the other commands get in
 * `OTEL_EXPORTER_OTLP_ENDPOINT`.
 *
 * @param registry URL of the registry of the `@logbridge` packages
 */
export async function follow({ steps }: Walkthrough, folder: string, registry: string): Promise<Followed> {
  await mkdir(folder, { recursive: true })
  const env = await createEnvironment(folder, registry)
  let viewer: RunningViewer | undefined
  let output = ''
  let files = 0
  const millis = { install: 0, run: 0 }
  const expected: string[] = []
  try {
    for (const step of steps) {
      const start = performance.now()
      if (step.kind === 'output') {
        expected.push(...comparable(step.text))
      } else if (step.kind === 'file') {
        files += 1
        await writeFile(join(folder, step.name), step.content)
      } else if (step.command.startsWith(VIEWER)) {
        viewer = await startViewerCommand(step.command, folder, env)
        millis.install += performance.now() - start
      } else {
        output += await run('sh', ['-c', `${step.command} 2>&1`], folder, {
          ...env,
          ...(viewer && { OTEL_EXPORTER_OTLP_ENDPOINT: viewer.endpoint }),
        })
        millis[step.command.startsWith('npm install') ? 'install' : 'run'] += performance.now() - start
      }
    }
    const printed = comparable((await viewer?.stop()) ?? '')
    return { expected, printed, output, files, installMillis: millis.install, runMillis: millis.run }
  } finally {
    await viewer?.stop()
  }
}

/** Variables of a user's shell: nothing of vitest, of the workspace, or of OpenTelemetry. */
async function createEnvironment(folder: string, registry: string): Promise<NodeJS.ProcessEnv> {
  await writeFile(join(folder, '.npmrc'), `@logbridge:registry=${registry}\n`)
  // npx keeps what it has installed by name and version in its cache, where builds of one version look the same.
  const cache = join(folder, '.npm')
  await mkdir(cache)
  const shared = (await run('npm', ['config', 'get', 'cache'])).trim()
  await symlink(join(shared, '_cacache'), join(cache, '_cacache'))
  const removed = Object.keys(process.env).filter((name) =>
    /^(OTEL_|LOGBRIDGE_|VITEST|NODE_|npm_)/.test(name),
  )
  return {
    ...Object.fromEntries(removed.map((name) => [name, undefined])),
    npm_config_cache: cache,
    // npx asks before it installs.
    npm_config_yes: 'true',
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  }
}

export interface RunningViewer {
  /** URL of OTLP/gRPC. */
  readonly endpoint: string
  printed(): string
  /** Ends the viewer, and returns what it printed. */
  stop(): Promise<string>
}

/** Runs a command that starts the viewer, and waits until the viewer listens, with OTLP on free ports. */
export async function startViewerCommand(
  command: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<RunningViewer> {
  const child = spawn('sh', ['-c', `exec ${command} --grpc-port 0 --http-port 0 2>&1`], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let printed = ''
  child.stdout.on('data', (chunk) => (printed += chunk))
  const ended = new Promise<void>((resolve) => child.stdout.once('close', resolve))
  const endpoint = await Promise.race([
    ended.then(() => {
      throw new Error(`${command} ended: ${printed}`)
    }),
    waitForMatch(() => /gRPC at (?<url>\S+),/.exec(printed)?.groups!['url']),
  ])
  return {
    endpoint,
    printed: () => printed,
    async stop() {
      endGroup(child)
      await ended
      return printed
    },
  }
}

async function waitForMatch(match: () => string | undefined): Promise<string> {
  for (;;) {
    const text = match()
    if (text !== undefined) return text
    await delay(50)
  }
}

/** Ends npx and the viewer, which is a child of it. */
function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (exitCode === null && signalCode === null) process.kill(-pid!, 'SIGINT')
}

/**
 * Returns the lines of records with times, durations, and ids replaced, sorted, because signals arrive in any order. Equal
 * ids stay equal. Metrics of logbridge itself are left out.
 */
function comparable(text: string): string[] {
  const ids = new Map<string, string>()
  return text
    .split('\n')
    .filter((line) => /^\d\d:\d\d:\d\d\.\d{3} /.test(line) && !line.includes('otel.sdk.'))
    .map((line) =>
      line
        .replace(/^\S+/, 'TIME')
        .replaceAll(/(?<= )\d+(?:\.\d+)?[mµn]?s(?= )/g, 'DURATION')
        .replaceAll(/(?<=trace=)[\da-f]+/g, (id) => {
          if (!ids.has(id)) ids.set(id, `#${ids.size + 1}`)
          return ids.get(id)!
        }),
    )
    .toSorted()
}

/** Tells that the viewer printed the promised lines, and no other, among them a record and a span of one trace. */
export function isAsPromised({ expected, printed }: Followed): boolean {
  return (
    printed.length === expected.length &&
    expected.every((line, index) => patternOf(line).test(printed[index]!)) &&
    printed.some((line) => /^TIME (?:INFO|ERROR) .* trace=#1$/.test(line)) &&
    printed.some((line) => /^TIME SPAN .* trace=#1$/.test(line))
  )
}

/** Builds a pattern of a line of a document, in which `…` stands for any text. */
export function patternOf(line: string): RegExp {
  const texts = line.split('…').map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return new RegExp(`^${texts.join('.*')}$`)
}
