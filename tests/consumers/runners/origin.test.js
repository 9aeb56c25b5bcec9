// Each call prints one place. `table` prints by calling `log`.
import { bridgeConsole } from '@logbridge/console'

const loggerProvider = { getLogger: () => ({ emit() {} }) }

test('prints', () => {
  const restore = bridgeConsole({ loggerProvider })
  console.log('log')
  console.info('info')
  console.table([{ a: 1 }])
  restore()
  console.log('after restore')
})
