import { bridgeOptionRules, type BridgeOptions, type OptionRule, rules } from '@logbridge/bridge'
import type { AppenderModule, Layout } from 'log4js'

/** Options of the appender: the options of every adapter. */
export interface OtelAppenderOptions extends BridgeOptions {
  /**
   * Least severe level that is sent, by its name in log4js.
   * @default every level that the category lets through
   */
  level?: string | undefined
}

/** Entry of `appenders` in log4js's configuration, for `satisfies`. log4js's own types accept any option. */
export interface OtelAppenderConfig extends Omit<OtelAppenderOptions, 'loggerProvider'> {
  type: '@logbridge/log4js' | AppenderModule
  /**
   * Layout that makes the body, as in log4js's other appenders. Text that a layout leaves out is not sent: with a layout of
   * the application, and with a pattern without the whole message (`%m`), arguments and context are no attributes.
   * @default the message alone
   */
  layout?: Layout | undefined
}

/** Rules of the options in log4js's configuration. */
export const configRules: Readonly<Record<string, OptionRule>> = {
  ...bridgeOptionRules,
  loggerProvider: {
    accepts:
      'a LoggerProvider, but log4js copies its configuration and a copied one does not work: ' +
      'write { type: otelAppender({ loggerProvider }) }',
    test: bridgeOptionRules.loggerProvider.test,
  },
  type: { accepts: 'a module name or an appender module', test: () => true },
  layout: {
    accepts: "an object with log4js's name of the layout as type",
    test: (value) => rules.object.test(value) && rules.string.test((value as { type?: unknown }).type),
  },
}
