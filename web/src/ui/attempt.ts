import { ref } from 'vue'
import { showNotice } from './notices'
import { useProblemText } from './problem-text'

/** Runs calls one at a time; what fails is shown as a notice, or kept for the form that asked. */
export function useAttempt() {
  const running = ref(false)
  const error = ref<unknown>(null)
  const { fromThrown } = useProblemText()

  /** The result, or undefined when it failed; the error is then in `error`. */
  async function attempt<T>(call: () => Promise<T>): Promise<T | undefined> {
    if (running.value) return undefined
    running.value = true
    error.value = null
    try {
      return await call()
    } catch (thrown) {
      error.value = thrown
      return undefined
    } finally {
      running.value = false
    }
  }

  /** As `attempt`, but tells the error in a notice; true when it went well. */
  async function attemptAloud(call: () => Promise<unknown>): Promise<boolean> {
    let done = false
    await attempt(async () => {
      await call()
      done = true
    })
    if (error.value) {
      const text = fromThrown(error.value)
      showNotice(text.sentence, { bad: true, detail: text.hint || text.original })
    }
    return done
  }

  return { running, error, attempt, attemptAloud }
}
