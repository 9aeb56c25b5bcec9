import { Writable } from 'node:stream'

/** Where a library's own output goes, the same in all that is compared: only what the bridge adds differs. */
export const discard = () => new Writable({ write: (_chunk, _encoding, done) => done() })
