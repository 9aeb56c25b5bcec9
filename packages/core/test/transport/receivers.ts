import { startFaultProxy, type FaultProxy } from '@logbridge/test-support/faultProxy'
import type { ScriptedReceiver } from '@logbridge/test-support/scriptedReceiver'
import { onTestFinished } from 'vitest'

/** Starts a receiver, and closes it after the test. */
export async function serve<Answer extends object>(
  start: () => Promise<ScriptedReceiver<Answer>>,
  answer: ScriptedReceiver<Answer>['answer'] = () => ({}) as Answer,
): Promise<ScriptedReceiver<Answer>> {
  const receiver = await start()
  receiver.answer = answer
  onTestFinished(receiver.close)
  return receiver
}

/** Starts a proxy before a receiver, and closes it after the test. */
export async function proxied(receiver: { readonly url: string }): Promise<FaultProxy> {
  const proxy = await startFaultProxy(receiver.url)
  onTestFinished(proxy.close)
  return proxy
}
