import { once } from 'node:events'

/** Writes a line to stdout. Waits for a slow reader. */
export async function writeLine(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
}
