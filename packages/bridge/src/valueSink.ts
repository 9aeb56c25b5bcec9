/**
 * Receives a value piece by piece. `ValueWriter` alone has the rules of the mapping, so that all sinks agree: `anyValue.ts` builds plain
 * AnyValues, `@logbridge/core` writes protobuf.
 */
export interface ValueSink {
  /** Writes the empty AnyValue: null. */
  empty(): void
  string(value: string): void
  bool(value: boolean): void
  /** @param value a safe integer, or a bigint that fits int64 */
  int(value: number | bigint): void
  double(value: number): void
  bytes(value: Uint8Array): void
  /** Called before the text to which an object is converted. */
  standsFor?(object: object): void
  beginArray(): void
  beginElement(): void
  endElement(): void
  endArray(): void
  beginMap(): void
  /**
   * Writes a whole field like `beginField`, the value, and `endField` do, if the sink has a faster way.
   * @returns false when the sink has written nothing
   */
  primitiveField?(key: string, value: string | number | boolean): boolean
  /**
   * @param key unique in the map
   * @returns false when the sink has written nothing, because the key is not well-formed. The writer calls again with a well-formed key.
   */
  beginField(key: string): boolean
  endField(): void
  endMap(): void
}

/** Attribute limits of the OpenTelemetry specification. */
export interface ValueLimits {
  /** Longest string, in UTF-16 units, and longest byte array, in bytes. The rest is cut off. @default no limit */
  attributeValueLengthLimit?: number | undefined
  /** Largest number of attributes of a record. Further attributes are counted as dropped. @default no limit */
  attributeCountLimit?: number | undefined
}
