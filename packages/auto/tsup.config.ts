import { library } from '../../tsup.config.base.ts'

// CommonJS alone: `--import` and `--require` then load the same file, so that a process has one copy of the hooks.
export default library(['src/index.ts', 'src/attach.ts', 'src/bundler.ts'], {
  format: ['cjs'],
  external: ['./attach.cjs'],
  dts: { entry: ['src/index.ts', 'src/bundler.ts'] },
})
