/** Number of messages that are remembered, so that each is printed once. */
const MAX_PRINTED = 10_000

/** Prints a message to stderr, because stdout has the lines of the program. */
export function printMessage(message: string): void {
  process.stderr.write(`logbridge-pipe: ${message}\n`)
}

/** Returns a function that prints one message for each key. */
export function printOnce(): (key: string, message: string) => void {
  const printed = new Set<string>()
  return (key, message) => {
    if (printed.has(key)) return
    if (printed.size >= MAX_PRINTED) printed.clear()
    printed.add(key)
    printMessage(message)
  }
}
