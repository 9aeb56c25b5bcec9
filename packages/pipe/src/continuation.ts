const SPACE = 0x20
const TAB = 0x09
const TRACEBACK = 'Traceback (most recent call last):'
/** Lines that follow the first line of a record without an indent. */
const CONTINUATION =
  /^(?:Traceback \(most recent call last\):|Caused by: |Suppressed: |at \S|[}\])]+[;,]?$|The above exception was the direct cause|During handling of the above exception)/

/** Tests if a line begins with a blank. */
function isIndented(line: string): boolean {
  const code = line.charCodeAt(0)
  return code === SPACE || code === TAB
}

/** Finds out which lines belong to the record before. */
export class ContinuationState {
  private inTraceback = false
  private lastIsIndented = false

  /** Begins a record with its first line. */
  begin(line: string): void {
    this.inTraceback = line.startsWith(TRACEBACK)
    this.lastIsIndented = false
  }

  /** Tests if the next line continues the record. */
  continues(line: string): boolean {
    const indented = isIndented(line)
    const known = indented || CONTINUATION.test(line)
    // The exception of a traceback stands behind its frames, without an indent.
    const isException = !known && this.inTraceback && this.lastIsIndented
    if (line.startsWith(TRACEBACK)) this.inTraceback = true
    this.lastIsIndented = indented
    return known || isException
  }
}
