import { Writable } from 'node:stream'

/** Creates a stream that discards the output of a library. All compared programs use the stream, so only the bridge differs. */
export const discard = () => new Writable({ write: (_chunk, _encoding, done) => done() })
