// Prints the result of each test of node:test.
export default async function* nodeReporter(events) {
  for await (const { type, data } of events) {
    const passed = type === 'test:pass'
    if ((passed || type === 'test:fail') && data.details.type !== 'suite' && !data.skip)
      yield `${JSON.stringify({ title: data.name, passed })}\n`
  }
}
