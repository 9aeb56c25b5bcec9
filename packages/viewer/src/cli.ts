#!/usr/bin/env node
// The command imports what an older Node.js lacks, so that the version is checked first.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 15)) void import('./command.js').then(({ main }) => main())
else {
  process.stderr.write(
    `logbridge-viewer: Node.js 22.15 or later is needed; this is ${process.versions.node}\n`,
  )
  process.exitCode = 2
}
