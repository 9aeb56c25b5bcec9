import { createHook } from 'node:async_hooks'
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'

// Node.js aborts the process when it frees the native object of a session before that of a stream whose response was malformed
// (no `:status`, or headers that another frame interrupts), because the stream still has memory of the session: "Assertion failed:
// (current_nghttp2_memory_) == (0)" in node_http2.cc, the cause of https://github.com/nodejs/node/issues/39951. Any server could do
// that. `grpcFuzz.test.ts` fails without this file.

/** Native objects of sessions. Weak, because a native object may refer to its session. */
const natives = new WeakMap<ClientHttp2Session, WeakRef<object>>()

/** Holds the native object of a session until a stream is collected, whose own native object is collected then or earlier. */
const held = new FinalizationRegistry<object>(() => {})

/**
 * Creates a session, and takes note of its native object.
 * @param connect creates the session on a connected socket, on which Node.js creates the native object at once
 */
export function createNotedSession(connect: () => ClientHttp2Session): ClientHttp2Session {
  let native: object | undefined
  const hook = createHook({
    init(_, type, __, resource) {
      if (type === 'HTTP2SESSION') native = resource
    },
  }).enable()
  try {
    const session = connect()
    if (native) natives.set(session, new WeakRef(native))
    return session
  } finally {
    hook.disable()
  }
}

/** Lets the native object of a session outlive that of a stream, when the stream fails. */
export function outliveStream(session: ClientHttp2Session, stream: ClientHttp2Stream): void {
  stream.once('close', () => {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR) return
    const native = natives.get(session)?.deref()
    if (native) held.register(stream, native)
  })
}
