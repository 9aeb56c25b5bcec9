import { isMainThread, threadId } from 'node:worker_threads'

/**
 * Makes a `service.instance.id` that was inherited through the environment unique for this process or worker thread. A worker of
 * `cluster` and a child of `child_process.fork` get `<id>.<process id>`, a worker thread `<id>.<process id>.<thread id>`.
 * https://opentelemetry.io/docs/specs/semconv/registry/attributes/service/
 */
export function ownInstanceId(inherited: string): string {
  if (!isMainThread) return `${inherited}.${process.pid}.${threadId}`
  // Processes of both cluster and fork have a channel to their parent.
  return process.channel ? `${inherited}.${process.pid}` : inherited
}
