import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { installProject } from '@logbridge/test-support/project'
import { ONE_BY_EACH, startReceiver } from '@logbridge/test-support/receiver'

const COMPILERS = ['5.9', '6', '7']
/** Module settings. `bundler` emits ES modules alone. */
const MODULES = [
  { resolution: 'node16', module: 'node16', folders: ['esm', 'cjs'] },
  { resolution: 'nodenext', module: 'nodenext', folders: ['esm', 'cjs'] },
  { resolution: 'bundler', module: 'esnext', folders: ['esm'] },
]

const receiver = await startReceiver()
const project = await installProject('typescript')

// The sources are compiled as ES modules and as CommonJS, so that TypeScript reads the types of both formats.
for (const [folder, type] of Object.entries({ esm: 'module', cjs: 'commonjs' })) {
  await mkdir(join(project.folder, folder))
  await writeFile(join(project.folder, folder, 'package.json'), JSON.stringify({ type }))
  await copyFile(join(project.folder, 'main.ts'), join(project.folder, folder, 'main.ts'))
  await copyFile(join(project.folder, 'logByEach.js'), join(project.folder, folder, 'logByEach.ts'))
}

describe.each(COMPILERS)('TypeScript %s', (version) => {
  it.each(MODULES)(
    'checks types with $resolution and emits a program that sends each record',
    async ({ resolution, module, folders }) => {
      const tsc = join('node_modules', `typescript${version}`, 'bin', 'tsc')
      await project.run('node', [tsc, '-p', '.', '--module', module, '--moduleResolution', resolution])
      for (const folder of folders) {
        await project.run('node', [join(folder, 'main.js')], receiver.grpc)
        expect(receiver.take(), folder).toEqual(ONE_BY_EACH)
      }
    },
  )
})
