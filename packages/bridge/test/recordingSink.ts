import type { ValueSink } from '../src/valueSink.ts'

/** A ValueSink that keeps every leaf as it was handed over: what an encoder sees. */
export function recordingSink(): ValueSink & { result: unknown } {
  const parents: unknown[] = []
  const keys: string[] = []
  const leaf = (value: unknown): void => void (sink.result = value)
  const close = (): void => void (sink.result = parents.pop())
  const sink: ValueSink & { result: unknown } = {
    result: undefined,
    empty: () => leaf(null),
    string: leaf,
    bool: leaf,
    int: leaf,
    double: leaf,
    bytes: leaf,
    beginArray: () => void parents.push([]),
    beginElement() {},
    endElement: () => void (parents.at(-1) as unknown[]).push(sink.result),
    endArray: close,
    beginMap: () => void parents.push({}),
    beginField: (key) => key.isWellFormed() && keys.push(key) > 0,
    endField: () => void ((parents.at(-1) as Record<string, unknown>)[keys.pop()!] = sink.result),
    endMap: close,
  }
  return sink
}
