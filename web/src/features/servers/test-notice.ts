import type { ErrorInfo, ServerTest } from '@/api/types'
import { showNotice } from '@/ui/notices'
import { useProblemText } from '@/ui/problem-text'
import { joinSentences } from '@/ui/sentences'

/** Why a test failed, as every other error is told. */
export function testFailure(result: ServerTest): ErrorInfo {
  return { code: result.code ?? 'unexpected', message: result.message ?? '', hint: result.hint }
}

/** Tells a failed test in a notice: of which server, why, and what to check. */
export function useTestNotice() {
  const { fromInfo } = useProblemText()

  function showFailure(title: string, result: ServerTest): void {
    const { sentence, original, hint } = fromInfo(testFailure(result))
    showNotice(title, { bad: true, detail: joinSentences(sentence, hint || original) })
  }

  return { showFailure }
}
