import type { NextConfig } from 'next'

const config: NextConfig = {
  // Next.js does not bundle pino by default.
  serverExternalPackages: ['@logbridge/auto', 'bunyan', 'log4js', 'winston'],
}
export default config
