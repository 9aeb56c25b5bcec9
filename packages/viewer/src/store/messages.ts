import { protobuf } from '../vendor/protobuf.ts'

/** Encoded record of a request, with the encoded resource and scope that it belongs to. */
export interface EncodedRecord {
  resource: Container
  scope: Container
  /** LogRecord, Span, or Metric. */
  record: Uint8Array
}

/** Encoded resource or scope. One object serves all of its records in a request. */
export interface Container {
  readonly bytes: Uint8Array
  readonly schemaUrl: string
}

// Export*ServiceRequest, Resource*, and Scope* have the same field numbers in all signals.
const RESOURCE_RECORDS = 1
const CONTAINER = 1
const CHILDREN = 2
const SCHEMA_URL = 3
const EMPTY = new Uint8Array(0)

/** Splits an encoded request into its records, without decoding them. The bytes are views of the request. */
export function* splitRequest(request: Uint8Array): Generator<EncodedRecord> {
  for (const resourceRecords of fields(request).get(RESOURCE_RECORDS) ?? []) {
    const { container: resource, children } = split(resourceRecords)
    for (const scopeRecords of children) {
      const { container: scope, children: records } = split(scopeRecords)
      for (const record of records) yield { resource, scope, record }
    }
  }
}

/** Encodes a request with the given records. */
export function joinRequest(records: Iterable<EncodedRecord>): Uint8Array {
  const writer = protobuf.Writer.create()
  for (const { resource, scope, record } of records) {
    writer.uint32((RESOURCE_RECORDS << 3) | 2).fork()
    writeContainer(writer, resource)
    writer.uint32((CHILDREN << 3) | 2).fork()
    writeContainer(writer, scope)
    writer.uint32((CHILDREN << 3) | 2).bytes(record)
    writer.ldelim().ldelim()
  }
  return writer.finish()
}

function writeContainer(writer: protobuf.Writer, { bytes, schemaUrl }: Container): void {
  if (bytes.length > 0) writer.uint32((CONTAINER << 3) | 2).bytes(bytes)
  if (schemaUrl !== '') writer.uint32((SCHEMA_URL << 3) | 2).string(schemaUrl)
}

function split(bytes: Uint8Array): { container: Container; children: Uint8Array[] } {
  const byNumber = fields(bytes)
  const schemaUrl = byNumber.get(SCHEMA_URL)?.at(-1) ?? EMPTY
  return {
    container: {
      bytes: byNumber.get(CONTAINER)?.at(-1) ?? EMPTY,
      schemaUrl: Buffer.from(schemaUrl).toString(),
    },
    children: byNumber.get(CHILDREN) ?? [],
  }
}

/** Returns the length-delimited fields of a message by number. */
function fields(bytes: Uint8Array): Map<number, Uint8Array[]> {
  const reader = protobuf.Reader.create(bytes)
  const found = new Map<number, Uint8Array[]>()
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    if ((tag & 7) === 2) {
      const length = reader.uint32()
      const values = found.get(tag >>> 3)
      const value = bytes.subarray(reader.pos, reader.pos + length)
      if (values === undefined) found.set(tag >>> 3, [value])
      else values.push(value)
      reader.skip(length)
    } else {
      reader.skipType(tag & 7)
    }
  }
  return found
}
