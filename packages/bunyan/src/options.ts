import type { BridgeOptions } from '@logbridge/bridge'
import type { BunyanLevel } from './severity.ts'

/** Options of `otelStream`: the options of every adapter. */
export interface OtelStreamOptions extends BridgeOptions {
  /**
   * Level of this stream, by bunyan's name or number. `log.level()` can change the level later.
   * @default the logger's level; `info` with `log.addStream()`
   */
  level?: BunyanLevel | number | undefined
  /** Has no effect, because bunyan formats a message before a stream gets the record. */
  captureTemplate?: boolean | undefined
}
