import { bridgeOptionRules, type BridgeOptions, type OptionRule, rules } from '@logbridge/bridge'
import type TransportStream from 'winston-transport'

/** Options of every winston transport, and of every logbridge adapter. */
export interface OtelTransportOptions extends Omit<BridgeOptions, 'level'> {
  /**
   * Least severe level that is sent, by its name in the logger's `levels`.
   * @default the level of the logger that is called
   */
  level?: string | undefined
  /** Format for a copy of each record. A field that the format removes is not sent. */
  format?: TransportStream.TransportStreamOptions['format'] | undefined
  /**
   * Sends the fields of a record also where its text is no JSON and shows selected fields or another message, which then is the
   * body, as with a `format.printf()` that masks.
   * @default false
   */
  trustInfo?: boolean | undefined
  /**
   * Sends nothing.
   * @default false
   */
  silent?: boolean | undefined
  /**
   * Logs uncaught exceptions.
   * @default false
   */
  handleExceptions?: boolean | undefined
  /**
   * Logs unhandled rejections.
   * @default false
   */
  handleRejections?: boolean | undefined
}

export const optionRules: Readonly<Record<keyof OtelTransportOptions, OptionRule>> = {
  ...bridgeOptionRules,
  level: rules.string,
  format: {
    accepts: 'a winston format (an object with a transform method)',
    test: (value) => typeof (value as { transform?: unknown } | null)?.transform === 'function',
  },
  trustInfo: rules.boolean,
  silent: rules.boolean,
  handleExceptions: rules.boolean,
  handleRejections: rules.boolean,
}
