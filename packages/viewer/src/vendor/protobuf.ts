/** Becomes `dist/vendor/protobuf.cjs`, a separate file. */
import protobuf from 'protobufjs'
import protojson from 'protobufjs/ext/protojson.js'

export { protobuf, protojson }
