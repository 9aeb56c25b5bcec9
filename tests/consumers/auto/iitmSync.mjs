import { Hook } from 'import-in-the-middle'
import { register } from 'import-in-the-middle/register-hooks.mjs'

export const hook = new Hook(['bunyan', 'log4js', 'pino', 'winston'], () => {})
register()
