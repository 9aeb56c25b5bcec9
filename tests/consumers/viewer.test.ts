import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, inject, it } from 'vitest'
import { run } from '@logbridge/test-support/run'
import { readDocument, startViewerCommand } from '@logbridge/test-support/walkthrough'

const folder = await mkdtemp(join(inject('projects'), 'viewer-'))
const home = join(folder, 'home')
const runtime = join(folder, 'runtime')
await Promise.all([mkdir(home), mkdir(runtime, { mode: 0o700 }), mkdir(join(folder, 'project'))])
const project = join(folder, 'project')
const registry: string = inject('registry')
await writeFile(join(project, '.npmrc'), `@logbridge:registry=${registry}\n`)

/** Variables of a user who has used neither npm nor the viewer before, and to whom npx asks no question. */
const env = {
  ...Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^(OTEL_|VITEST|NODE_|npm_)/i.test(name))
      .map((name) => [name, undefined]),
  ),
  HOME: home,
  XDG_RUNTIME_DIR: runtime,
  npm_config_yes: 'true',
}
const viewer = await startViewerCommand('npx @logbridge/viewer --port 0', project, env)
afterAll(() => viewer.stop())

const LINE = JSON.stringify({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeLogs: [
        {
          logRecords: [
            { timeUnixNano: '1', severityNumber: 9, body: { stringValue: 'order placed' } },
            {
              timeUnixNano: `${Date.now()}000000`,
              severityNumber: 17,
              body: { stringValue: 'order declined' },
            },
          ],
        },
      ],
    },
  ],
})

it('npx @logbridge/viewer shows a record on its page and by its command when the folder and the home are empty', async () => {
  const { page, httpUrl } = /Page: (?<page>\S+)\n.* HTTP at (?<httpUrl>\S+)/.exec(viewer.printed())!
    .groups as { page: string; httpUrl: string }
  const loaded = await fetch(page, { redirect: 'manual' })
  const cookie = loaded.headers.get('set-cookie')!.replace(/;.*/, '')
  const document = await (await fetch(new URL('/logs', page), { headers: { cookie } })).text()
  const { script } = /<script type="module"[^>]* src="(?<script>[^"]+)"/.exec(document)!.groups as {
    script: string
  }
  expect((await fetch(new URL(script, page), { headers: { cookie } })).status).toBe(200)

  const sent = await fetch(`${httpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: LINE,
  })
  expect(sent.status).toBe(200)
  const rows = await (await fetch(new URL('/api/logs', page), { headers: { cookie } })).text()
  expect(rows).toContain('"order placed"')
  expect(await run('npx', ['@logbridge/viewer', 'logs', 'msg=~/placed$/'], project, env)).toContain(
    'shop order placed',
  )
})

it('README of the viewer has a call of curl that answers', async () => {
  const readme = await readDocument('packages/viewer/README.md')
  const { page, token } = /Page: (?<page>\S+)\?token=(?<token>\S+)/.exec(viewer.printed())!.groups as {
    page: string
    token: string
  }
  const command = /^curl .*$/m.exec(readme)![0]
  const answer = await run('sh', [
    '-c',
    command.replace('http://localhost:4319/', page).replace('5d1f…', token),
  ])
  expect(answer).toContain('"order declined"')
})

it('npx @logbridge/viewer installs one package', async () => {
  const caches = await readdir(join(home, '.npm/_npx'))
  const modules = join(home, '.npm/_npx', caches.join('/'), 'node_modules')
  const names = (await readdir(modules)).filter((name) => !name.startsWith('.'))
  expect(names).toEqual(['@logbridge'])
  expect(await readdir(join(modules, '@logbridge'))).toEqual(['viewer'])
})
