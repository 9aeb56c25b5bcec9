import type { NextConfig } from 'next'

const config: NextConfig = {
  output: 'standalone',
  // pino loads its worker from files, so the package must not be bundled. Next.js does not bundle pino by default.
  serverExternalPackages: ['@logbridge/pino'],
  // pino resolves its target like `require`, but Turbopack traces the files of `import` alone.
  outputFileTracingIncludes: { '/*': ['./node_modules/@logbridge/*/dist/*.cjs'] },
}
export default config
