import type { ValueSink } from './valueSink.ts'

/** Longest text of a Map's key, in UTF-16 units. */
export const MAX_KEY_LENGTH = 1024

/** Builds bounded JSON of a value, for a Map whose key is an object. A text alone has no quotes. */
export class KeyText implements ValueSink {
  text = ''

  empty(): void {
    this.text += 'null'
  }
  string(value: string): void {
    this.text += this.text === '' ? value : JSON.stringify(value)
  }
  bool(value: boolean): void {
    this.text += value
  }
  int(value: number | bigint): void {
    this.text += value
  }
  double(value: number): void {
    this.text += JSON.stringify(value)
  }
  bytes(value: Uint8Array): void {
    this.string(Buffer.from(value.subarray(0, MAX_KEY_LENGTH)).toString('base64'))
  }
  beginArray(): void {
    this.text += '['
  }
  beginElement(): void {
    this.separate('[')
  }
  endElement(): void {
    // The next element writes the comma.
  }
  endArray(): void {
    this.text += ']'
  }
  beginMap(): void {
    this.text += '{'
  }
  beginField(key: string): boolean {
    this.separate('{')
    this.text += `${JSON.stringify(key.slice(0, MAX_KEY_LENGTH))}:`
    return true
  }
  endField(): void {
    // The next field writes the comma.
  }
  endMap(): void {
    this.text += '}'
  }

  private separate(opening: string): void {
    if (!this.text.endsWith(opening)) this.text += ','
  }
}
