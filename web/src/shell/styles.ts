/**
 * Stylesheets that could not be had. What fetches the code of a page asks for each of its stylesheets once in the life of the page, and takes
 * a link that is in the document for one that was loaded: it would show the page without its looks.
 */
const failed = new Set<HTMLLinkElement>()

document.addEventListener(
  'error',
  ({ target }) => {
    if (target instanceof HTMLLinkElement && target.rel === 'stylesheet') failed.add(target)
  },
  { capture: true },
)

function askAgain(link: HTMLLinkElement): Promise<void> {
  failed.delete(link)
  return new Promise((resolve, reject) => {
    // A link asks once. A copy asks anew, and is noted like any other when that fails too.
    const fresh = link.cloneNode() as HTMLLinkElement
    fresh.addEventListener('load', () => resolve())
    fresh.addEventListener('error', () => reject(new Error(`no stylesheet at ${fresh.href}`)))
    link.replaceWith(fresh)
  })
}

/** Asks for them again; fails when one of them still cannot be had. */
export async function renewFailedStyles(): Promise<void> {
  await Promise.all([...failed].map(askAgain))
}
