import { isMainThread, threadId } from 'node:worker_threads'

/**
 * The `service.instance.id` of a process, or a worker thread, that has inherited one by its environment: a worker of
 * `cluster` and a child of `child_process.fork` get `<id>.<process id>`, a worker thread `<id>.<process id>.<thread id>`. It
 * must be unique for each instance, and "each division" of an application should have its own, says
 * https://opentelemetry.io/docs/specs/semconv/registry/attributes/service/
 */
export function ownInstanceId(inherited: string): string {
  if (!isMainThread) return `${inherited}.${process.pid}.${threadId}`
  // What cluster and fork have in common: a channel to the parent.
  return process.channel ? `${inherited}.${process.pid}` : inherited
}
