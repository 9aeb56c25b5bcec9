import type { NextConfig } from 'next'

const config: NextConfig = {
  output: 'standalone',
  // pino starts its worker from files: those of a package that is not bundled. pino itself Next.js leaves out anyway.
  serverExternalPackages: ['@logbridge/pino'],
  // It looks for its target as `require` does, while Turbopack keeps only what `import` would load.
  outputFileTracingIncludes: { '/*': ['./node_modules/@logbridge/*/dist/*.cjs'] },
}
export default config
