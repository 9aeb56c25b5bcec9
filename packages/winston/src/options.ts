import { bridgeOptionRules, type BridgeOptions, type OptionRule, rules } from '@logbridge/bridge'
import type TransportStream from 'winston-transport'

/** Options that every winston transport has, and those that every logbridge adapter has. */
export interface OtelTransportOptions extends Omit<BridgeOptions, 'level'> {
  /** Least severe level that is sent, by its name in the logger's `levels`. Default: the level of the logger that is called. */
  level?: string | undefined
  /** Applied to a copy of each record before it is sent; what it removes is not sent. */
  format?: TransportStream.TransportStreamOptions['format'] | undefined
  /**
   * Send the fields of a record also where its text is no JSON and shows another message, which is the body then, or chosen
   * fields, as with a `format.printf()` that masks.
   *
   * @default false
   */
  trustInfo?: boolean | undefined
  /** Send nothing. Default false. */
  silent?: boolean | undefined
  /** Log uncaught exceptions. Default false. */
  handleExceptions?: boolean | undefined
  /** Log unhandled rejections. Default false. */
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
