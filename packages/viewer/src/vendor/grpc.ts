/** Becomes `dist/vendor/grpc.cjs`, a separate file. */
import * as grpc from '@grpc/grpc-js'

export { grpc }
