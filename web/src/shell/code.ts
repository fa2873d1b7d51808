import { ApiError } from '@/api/problem'
import { renewFailedStyles } from './styles'

/** The code of a page or of a form could not be fetched: the program is away, or it is another one by now and has other files. */
export class CodeMissing extends ApiError {
  constructor(cause: unknown) {
    super(0, 'unreachable', '')
    this.name = 'CodeMissing'
    this.cause = cause
  }
}

/** A part of the page that is fetched when it is first needed; that it cannot be had is told apart from what goes wrong inside it. */
export function fetched<Part>(load: () => Promise<Part>): () => Promise<Part> {
  return async () => {
    try {
      await renewFailedStyles()
      return await load()
    } catch (thrown) {
      throw new CodeMissing(thrown)
    }
  }
}
