/** Result of one test, or of one assertion where the runner is tap. */
export interface TestResult {
  readonly title: string
  readonly passed: boolean
}

const RESULT = /^ *(not )?ok \d+(?: - )?(.*)/
/** Directive or duration after a title. */
const REMARK = / # (?:time=|SKIP|TODO).*/

/** Returns the assertions and tests of a TAP document. */
export function parseTap(text: string): TestResult[] {
  return text.split('\n').flatMap((line) => {
    const [, not, title] = RESULT.exec(line) ?? []
    return title === undefined ? [] : { title: title.replace(REMARK, ''), passed: not === undefined }
  })
}
