import { register } from 'node:module'
import { Hook } from 'import-in-the-middle'

export const hook = new Hook(['bunyan', 'log4js', 'pino', 'winston'], () => {})
register('import-in-the-middle/hook.mjs', import.meta.url)
