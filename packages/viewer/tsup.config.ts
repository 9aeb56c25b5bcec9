import { library } from '../../tsup.config.base.ts'

export default library(['src/index.ts', 'src/cli.ts', 'src/command.ts'], {
  // Node.js loads the command after `cli.ts` has checked its version.
  external: ['./command.js'],
})
