/** Matches a frame in Node.js itself, or in a package of OpenTelemetry or logbridge. */
const INTERNAL = /^\s*at .*(?:\bnode:|node_modules[\\/]@(?:opentelemetry|logbridge)[\\/])/

/** Replaces frames of Node.js and OpenTelemetry that follow one another by their number. A single frame stays. */
export function foldFrames(lines: readonly string[]): string[] {
  const folded: string[] = []
  let internal: string[] = []
  const endRun = (): void => {
    if (internal.length < 2) folded.push(...internal)
    else folded.push(`    … ${internal.length} frames of Node.js and OpenTelemetry`)
    internal = []
  }
  for (const line of lines) {
    if (INTERNAL.test(line)) internal.push(line)
    else {
      endRun()
      folded.push(line)
    }
  }
  endRun()
  return folded
}
