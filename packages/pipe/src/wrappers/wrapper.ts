import type { HrTime } from '@logbridge/bridge'
import type { Fields } from '../types.ts'

/** Line of a program, out of the file of a container runtime. */
export interface WrappedLine {
  /** Line of the program, without its line break. */
  readonly line: string
  readonly stream: 'stdout' | 'stderr'
  readonly time: HrTime | undefined
  /** True when the rest of the line follows in the next line of the stream, because the runtime splits lines at 8 or 16 KiB. */
  readonly isPartial: boolean
  /** Length of the prefix before the line, whose bytes stand in the file unchanged; `undefined` when they are escaped. */
  readonly prefixLength: number | undefined
  /** Other fields of the wrapper. */
  readonly attributes: Fields | undefined
}
