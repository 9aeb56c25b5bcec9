#!/usr/bin/env node
import { LogbridgeError } from '@logbridge/bridge'
import { readArguments } from './command/arguments.ts'
import { UsageError } from './command/flags.ts'
import { printMessage } from './command/messages.ts'
import { run } from './command/run.ts'

/** Longest wait for a reader of the last lines when the command ends. */
const EXIT_TIMEOUT_MILLIS = 1000

void main()

async function main(): Promise<void> {
  process.stderr.on('error', () => {})
  try {
    const given = readArguments(process.argv.slice(2))
    if (typeof given === 'string') {
      process.stdout.write(given)
      return
    }
    process.exitCode = await run(given)
    // A pipe without a reader, or an inherited terminal, would keep the process running.
    process.stdin.unref?.()
    setTimeout(() => process.exit(), EXIT_TIMEOUT_MILLIS).unref()
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof LogbridgeError)) throw error
    printMessage(error.message)
    process.exitCode = 2
  }
}
